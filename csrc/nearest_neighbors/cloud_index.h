// SPDX-License-Identifier: Apache-2.0
// A cloud in the order of a space-filling curve, cut into leaves of one vector
// register, under a tree of boxes. One structure serves as the points that are
// searched and as the packets of queries that search.
#pragma once

#include <cstdint>
#include <vector>

namespace svr3d {

// Boxes of consecutive leaves, or of kWidth consecutive boxes of the level below.
template <typename T>
struct BoxLevel {
  int64_t count = 0;
  std::vector<T> low[3], high[3];  // padded to a multiple of the width
};

template <typename T>
struct CloudIndex {
  // Points per leaf and boxes per node: the lanes of a 64-byte register.
  static constexpr int64_t kWidth = 64 / sizeof(T);

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
