// SPDX-License-Identifier: Apache-2.0
#include "cloud_index.h"

#include <algorithm>
#include <limits>

#include "nearest_neighbors.h"

namespace svr3d {
namespace {

constexpr int64_t kLongRun = 64;  // points in one cell that are worth a finer grid

struct Key {
  uint32_t code;
  int32_t id;
};

// Spreads the low 10 bits so that two zeros follow each.
SVR3D_HD uint32_t spread(uint32_t v) {
  v = (v | (v << 16)) & 0x030000FFu;
  v = (v | (v << 8)) & 0x0300F00Fu;
  v = (v | (v << 4)) & 0x030C30C3u;
  return (v | (v << 2)) & 0x09249249u;
}

// Stable, three passes of ten bits.
void radix_sort(Key* keys, Key* scratch, int64_t count) {
  uint32_t starts[3][1024] = {};
  for (int64_t i = 0; i < count; ++i)
    for (int pass = 0; pass < 3; ++pass)
      ++starts[pass][(keys[i].code >> (10 * pass)) & 1023];
  for (auto& start : starts) {
    uint32_t sum = 0;
    for (uint32_t& s : start) {
      const uint32_t here = s;
      s = sum;
      sum += here;
    }
  }
  Key *from = keys, *to = scratch;
  for (int pass = 0; pass < 3; ++pass) {
    for (int64_t i = 0; i < count; ++i)
      to[starts[pass][(from[i].code >> (10 * pass)) & 1023]++] = from[i];
    std::swap(from, to);
  }
  std::copy(from, from + count, keys);  // three passes end in the scratch
}

// Sorts keys along a Morton curve through the box of their points. Cells that hold
// many points get a curve of their own, so that far outliers do no harm.
template <typename T>
void sort_along_curve(const T* points, Key* keys, Key* scratch, int64_t count) {
  constexpr T kHuge = std::numeric_limits<T>::max();
  T low[3] = {kHuge, kHuge, kHuge}, high[3] = {-kHuge, -kHuge, -kHuge}, extent = 0;
  for (int64_t i = 0; i < count; ++i)
    for (int k = 0; k < 3; ++k) {
      const T v = points[3 * static_cast<int64_t>(keys[i].id) + k];
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
    }
  // Halves cannot overflow.
  for (int k = 0; k < 3; ++k) extent = std::max(extent, high[k] / 2 - low[k] / 2);
  if (!(extent > 0)) return;
  const T scale = 1023 / extent;
  if (!(scale <= kHuge)) return;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t code = 0;
    for (int k = 0; k < 3; ++k) {
      const T v = points[3 * static_cast<int64_t>(keys[i].id) + k];
      const int32_t cell = static_cast<int32_t>((v / 2 - low[k] / 2) * scale);
      code |= spread(static_cast<uint32_t>(cell < 1023 ? cell : 1023)) << k;
    }
    keys[i].code = code;
  }
  radix_sort(keys, scratch, count);
  for (int64_t begin = 0, end = 0; begin < count; begin = end) {
    while (end < count && keys[end].code == keys[begin].code) ++end;
    if (end - begin > kLongRun && end - begin < count)
      sort_along_curve(points, keys + begin, scratch, end - begin);
  }
}

template <typename T>
void bound_leaves(const CloudIndex<T>& index, BoxLevel<T>& level) {
  constexpr int64_t kWidth = CloudIndex<T>::kWidth;
  for (int k = 0; k < 3; ++k)
    for (int64_t leaf = 0; leaf < level.count; ++leaf) {
      const T* from = index.axis[k].data() + leaf * kWidth;
      const int64_t size = std::min(kWidth, index.count - leaf * kWidth);
      T low = from[0], high = from[0];
      for (int64_t i = 1; i < size; ++i) {
        low = from[i] < low ? from[i] : low;
        high = from[i] > high ? from[i] : high;
      }
      level.low[k][leaf] = low;
      level.high[k][leaf] = high;
    }
}

}  // namespace

template <typename T>
void CloudIndex<T>::build(const T* points, int64_t size) {
  count = size;
  levels.clear();
  if (size == 0) return;
  std::vector<Key> keys(size), scratch(size);
  for (int64_t i = 0; i < size; ++i) keys[i] = {0, static_cast<int32_t>(i)};
  sort_along_curve(points, keys.data(), scratch.data(), size);
  const int64_t padded = (size + kWidth - 1) / kWidth * kWidth;
  for (auto& values : axis) values.assign(padded, std::numeric_limits<T>::quiet_NaN());
  ids.assign(padded, kNoPoint);
  for (int64_t i = 0; i < size; ++i) {
    ids[i] = keys[i].id;
    for (int k = 0; k < 3; ++k)
      axis[k][i] = points[3 * static_cast<int64_t>(keys[i].id) + k];
  }
  levels.emplace_back(size);
  bound_leaves(*this, levels[0]);
  stack_boxes(levels);
}

template struct CloudIndex<float>;
template struct CloudIndex<double>;

}  // namespace svr3d
