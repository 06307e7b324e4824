// SPDX-License-Identifier: Apache-2.0
// Arithmetic of nearest neighbours, for host and device. The packets of the CPU
// search (packet_search.h) evaluate squared_distance in the same order of operations.
#pragma once

#include <cstdint>

#include "../common/vec3.h"

namespace svr3d {

// Index of "no neighbour" while searching; larger than that of every point.
constexpr int32_t kNoPoint = INT32_MAX;

template <typename T>
SVR3D_HD T squared_length(const Vec3<T>& a) {
  return dot(a, a);
}

// Whether candidate (distance, index) precedes the other: nearer, or as near and of
// a lower index, so that every order of visits finds the same neighbours.
template <typename T, typename Index>
SVR3D_HD bool precedes(T distance, Index index, T other, Index other_index) {
  return distance < other || (distance == other && index < other_index);
}

// Gradient of g |query - point|^2 with respect to the query; the point's is opposite.
template <typename T>
SVR3D_HD Vec3<T> distance_gradient(const Vec3<T>& query, const Vec3<T>& point, T g) {
  return (query - point) * (2 * g);
}

}  // namespace svr3d
