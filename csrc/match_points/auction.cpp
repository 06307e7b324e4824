// SPDX-License-Identifier: Apache-2.0
#include "auction.h"

#include <algorithm>

#include "../common/lanes_prepare.h"
#include "match_points.h"

namespace svr3d {

namespace {

inline void prefetch(const float* line) {
#ifdef __GNUC__
  __builtin_prefetch(line);
#else
  (void)line;
#endif
}

}  // namespace

#define SVR3D_PER_SET "../match_points/choose_lanes.h"
#include "../common/lanes_per_set.h"

namespace {

constexpr int64_t kPadding = 32;  // rows are whole pairs of registers

SVR3D_CLONES void cost_row(const float* axes, int64_t stride, int64_t n, Vec3<float> p,
                           bool squared, float* row) {
  const float *x = axes, *y = axes + stride, *z = y + stride;
  if (squared) {
    SVR3D_VECTORIZE
    for (int64_t j = 0; j < n; ++j) row[j] = pair_cost(p, {x[j], y[j], z[j]}, true);
  } else {
    SVR3D_VECTORIZE
    for (int64_t j = 0; j < n; ++j) row[j] = pair_cost(p, {x[j], y[j], z[j]}, false);
  }
}

using Chooser = Choice (*)(const float*, const float*, const float*, int64_t);

Chooser chooser() {
#if SVR3D_X86
  if (instruction_set() == InstructionSet::kAvx512) return avx512::choose;
  if (instruction_set() == InstructionSet::kAvx2) return avx2::choose;
#endif
  return portable::choose;
}

}  // namespace

void Auction::set_costs(const float* x, const float* y, bool squared) {
  std::vector<float> axes(3 * padded_);
  for (int64_t j = 0; j < n_; ++j)
    for (int k = 0; k < 3; ++k) axes[k * padded_ + j] = y[3 * j + k];
  costs_.resize(n_ * padded_);
  largest_ = 0;
  for (int64_t i = 0; i < n_; ++i) {
    float* row = costs_.data() + i * padded_;
    cost_row(axes.data(), padded_, n_, load3(x + 3 * i), squared, row);
    std::fill(row + n_, row + padded_, kNoCost);
    largest_ = std::max(largest_, *std::max_element(row, row + n_));
  }
}

// One round: all points of x bid, first in first out, until each owns an object.
void Auction::bid(float epsilon) {
  const Chooser choose = chooser();
  std::fill(owner_.begin(), owner_.end(), -1);
  for (int64_t i = 0; i < n_; ++i) queue_[i] = static_cast<int32_t>(i);
  int64_t head = 0;
  for (int64_t waiting = n_; waiting > 0;) {
    const int32_t bidder = queue_[head];
    // Unless this bidder drives out another one and is the last.
    const int32_t next = queue_[head + 1 < n_ ? head + 1 : 0];
    const Choice choice =
        choose(costs_.data() + bidder * padded_, costs_.data() + next * padded_,
               prices_.data(), padded_);
    prices_[choice.object] = raised(prices_[choice.object], choice, epsilon);
    const int32_t loser = owner_[choice.object];
    owner_[choice.object] = bidder;
    object_[bidder] = choice.object;
    if (loser < 0)
      --waiting;
    else  // n at most wait at a time, and the bidder's place is free
      queue_[(head + waiting) % n_] = loser;
    head = (head + 1) % n_;
  }
}

double Auction::total() const {
  double sum = 0;
  for (int64_t i = 0; i < n_; ++i) sum += costs_[i * padded_ + object_[i]];
  return sum;
}

void Auction::run(const float* x, const float* y, int64_t n, double tolerance,
                  bool squared, int64_t* matches) {
  n_ = n;
  if (n == 0) return;
  padded_ = (n + kPadding - 1) / kPadding * kPadding;
  set_costs(x, y, squared);
  prices_.assign(padded_, 0.0f);
  owner_.resize(n);
  object_.resize(n);
  queue_.resize(n);
  if (largest_ > 0) {
    Rounds rounds = first_round(largest_);
    do bid(static_cast<float>(rounds.epsilon));
    while (next_round(rounds, total(), n, tolerance));
  } else {  // all points coincide
    for (int64_t i = 0; i < n; ++i) object_[i] = static_cast<int32_t>(i);
  }
  std::copy(object_.begin(), object_.end(), matches);
}

}  // namespace svr3d
