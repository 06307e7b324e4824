// SPDX-License-Identifier: Apache-2.0
// Arithmetic of farthest-point sampling, for host and device.
#pragma once

#include "../common/vec3.h"

namespace svr3d {

template <typename T>
SVR3D_HD T squared_distance(const Vec3<T>& a, const Vec3<T>& b) {
  const Vec3<T> d = a - b;
  return dot(d, d);
}

// Whether candidate (distance, index) comes before the best: farther, or as far
// and of a lower index, so that every order of comparison picks the same point.
template <typename T>
SVR3D_HD bool is_farther(T distance, int64_t index, T best, int64_t best_index) {
  return distance > best || (distance == best && index < best_index);
}

}  // namespace svr3d
