// SPDX-License-Identifier: Apache-2.0
// Levels of boxes over what lies along a space-filling curve.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace svr3d {

// Boxes of consecutive leaves, or of kWidth consecutive boxes of the level below.
template <typename T>
struct BoxLevel {
  // Boxes per node: the lanes of a 64-byte register.
  static constexpr int64_t kWidth = 64 / sizeof(T);

  int64_t count = 0;
  std::vector<T> low[3], high[3];  // padded to a multiple of the width

  // Makes room for one box per kWidth things of the level below.
  explicit BoxLevel(int64_t below) : count((below + kWidth - 1) / kWidth) {
    const int64_t padded = (count + kWidth - 1) / kWidth * kWidth;
    for (int k = 0; k < 3; ++k) {
      low[k].resize(padded);
      high[k].resize(padded);
    }
  }
};

// Adds levels to that of the leaves until the last one has at most kWidth boxes.
template <typename T>
void stack_boxes(std::vector<BoxLevel<T>>& levels) {
  constexpr int64_t kWidth = BoxLevel<T>::kWidth;
  while (levels.back().count > kWidth) {
    BoxLevel<T> level(levels.back().count);
    const BoxLevel<T>& below = levels.back();
    for (int k = 0; k < 3; ++k)
      for (int64_t node = 0; node < level.count; ++node) {
        const int64_t first = node * kWidth;
        const int64_t last = std::min(below.count, first + kWidth);
        const T *low = below.low[k].data(), *high = below.high[k].data();
        level.low[k][node] = *std::min_element(low + first, low + last);
        level.high[k][node] = *std::max_element(high + first, high + last);
      }
    levels.push_back(std::move(level));
  }
}

}  // namespace svr3d
