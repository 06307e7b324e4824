// SPDX-License-Identifier: Apache-2.0
// Arithmetic of splatting point clouds, for host and device: Navaneet et al., "From
// Image Collections to Point Clouds with Self-supervised Shape and Pose Networks"
// (2020). Points are (row, column, depth) in pixels; pixel (i, j) lies at (i, j).
#pragma once

#include <cmath>
#include <cstdint>

#include "../common/exp.h"

namespace svr3d {

constexpr double kFarthest = 10;    // depths are clipped here; such points are not seen
constexpr double kGuard = 1e-5;     // added to depths before they divide
constexpr double kMassGuard = 1e-8;  // added to the visible share of the softmax

struct PixelWindow {
  int64_t begin, end;
};

// Pixels [begin, end) of `size` that may lie within `reach` of `at`.
template <typename T>
SVR3D_HD PixelWindow window_of(T at, T reach, int64_t size) {
  const T low = floor(at - reach), high = ceil(at + reach);
  if (!(high >= 0) || !(low < T(size))) return {0, 0};
  return {low > 0 ? static_cast<int64_t>(low) : 0,
          high < T(size - 1) ? static_cast<int64_t>(high) + 1 : size};
}

SVR3D_HD float small_exp(float x) { return bounded_exp(x > -87 ? x : -87.0f, 0.0f); }
SVR3D_HD double small_exp(double x) { return bounded_exp(x > -700 ? x : -700.0, 0.0); }

// One factor of the Gaussian, of a pixel `distance` away, and its slope.
template <typename T>
SVR3D_HD T gaussian(T distance, T sharpness) {  // sharpness = 1 / (2 sigma^2)
  return small_exp(-sharpness * distance * distance);
}

// How strongly a point of depth d = z + 1 claims its pixels.
template <typename T>
SVR3D_HD T claim(T d, T beta) {
  return beta / (d + T(kGuard));
}

template <typename T>
SVR3D_HD bool drawn(T z) {
  return z + 1 < T(kFarthest);
}

template <typename T>
SVR3D_HD bool in_well(T at, int64_t pixel, T well) {
  const T distance = at - T(pixel);
  return (distance < 0 ? -distance : distance) <= well;
}

// 1 over the mass that the seen points' exponentials are divided by: their `sum` (of
// `seen` points, relative to the largest claim) and a guard of the whole softmax,
// where the other points count with the farthest depth.
template <typename T>
SVR3D_HD T inverse_mass(T sum, T largest, int64_t seen, int64_t count, T beta) {
  if (seen == 0) return 0;
  const T other = small_exp(claim(T(kFarthest), beta) - largest) * T(count - seen);
  return 1 / (sum + T(kMassGuard) * (sum + other));
}

// dL/dz of a point from one pixel: `share` is its part Q of the pixel, `own` its
// features times the upstream gradient, `mean` the pixel's.
template <typename T>
SVR3D_HD T depth_slope(T z, T beta, T share, T own, T mean) {
  const T d = z + 1 + T(kGuard);
  return -beta / (d * d) * share * (own - T(1 + kMassGuard) * mean);
}

}  // namespace svr3d
