// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the auction that matches two clouds one to one, for host and device.
// Bertsekas, "The auction algorithm" (1988): the points of x bid in turn for those of
// y; a bid raises the price by what the second choice would cost more, plus epsilon.
// When all are matched, the total is within n epsilon of the least one. Epsilon falls
// from round to round, prices stay. Everything is rounded alike on every device.
#pragma once

#include <cmath>
#include <cstdint>

#include "../common/vec3.h"

namespace svr3d {

constexpr float kNoCost = 3.402823466e38f;   // cost of no object: largest float
constexpr float kLargestCoordinate = 1e15f;  // its square stays far below kNoCost
constexpr double kFirstEpsilon = 0.05;       // of the largest cost
constexpr double kLastEpsilon = 1.0 / (1 << 20);
constexpr double kEpsilonFactor = 8;

SVR3D_HD float pair_cost(const Vec3<float>& a, const Vec3<float>& b, bool squared) {
  const Vec3<float> d = a - b;
  const float square = dot(d, d);
  return squared ? square : std::sqrt(square);
}

// The best of some objects by (cost + price, index), and the value of the second.
struct Choice {
  float best, second;
  int32_t object;
};

SVR3D_HD Choice no_choice() { return {kNoCost, kNoCost, INT32_MAX}; }

// Choice between two sets of objects.
SVR3D_HD Choice merge(const Choice& a, const Choice& b) {
  const bool first = a.best < b.best || (a.best == b.best && a.object < b.object);
  const Choice &won = first ? a : b, &lost = first ? b : a;
  return {won.best, won.second < lost.best ? won.second : lost.best, won.object};
}

SVR3D_HD float raised(float price, const Choice& choice, float epsilon) {
  const float margin =
      choice.second < kNoCost ? choice.second - choice.best : 0.0f;  // a lone object
  return price + (margin + epsilon);
}

struct Rounds {
  double epsilon, least;
};

SVR3D_HD Rounds first_round(float largest_cost) {
  return {kFirstEpsilon * largest_cost, kLastEpsilon * largest_cost};
}

// After a round that ended with a total cost: whether another is needed for the
// relative tolerance, and its epsilon. The least total is at least total - n epsilon.
SVR3D_HD bool next_round(Rounds& rounds, double total, int64_t n, double tolerance) {
  const double excess = static_cast<double>(n) * rounds.epsilon;
  if (excess <= tolerance * (total - excess) || rounds.epsilon <= rounds.least)
    return false;
  const double aim = 0.9 * tolerance * total / static_cast<double>(n);
  const double half = rounds.epsilon / 2, fifth = rounds.epsilon / kEpsilonFactor;
  const double near = aim < half ? aim : half;
  rounds.epsilon = fifth > near ? fifth : near;
  if (rounds.epsilon < rounds.least) rounds.epsilon = rounds.least;
  return true;
}

}  // namespace svr3d
