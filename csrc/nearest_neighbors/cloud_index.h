// SPDX-License-Identifier: Apache-2.0
// A cloud in the order of a space-filling curve, cut into leaves of one vector
// register, under a tree of boxes. One structure serves as the points that are
// searched and as the packets of queries that search.
#pragma once

#include <cstdint>
#include <vector>

#include "../common/box_levels.h"

namespace svr3d {

template <typename T>
struct CloudIndex {
  static constexpr int64_t kWidth = BoxLevel<T>::kWidth;  // points per leaf

  int64_t count = 0;
  std::vector<T> axis[3];           // in curve order; NaN beyond the last point
  std::vector<int32_t> ids;         // index of each in the cloud
  std::vector<BoxLevel<T>> levels;  // leaves first; the last has at most kWidth boxes

  int64_t leaves() const { return levels.empty() ? 0 : levels[0].count; }
  void build(const T* points, int64_t size);
};

extern template struct CloudIndex<float>;
extern template struct CloudIndex<double>;

}  // namespace svr3d
