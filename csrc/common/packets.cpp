// SPDX-License-Identifier: Apache-2.0
#include "packets.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "counting_sort.h"
#include "mesh_arrays.h"

namespace svr3d {
namespace {

// Spreads the low 10 bits so that two zeros follow each.
uint32_t spread(uint32_t v) {
  v = (v | (v << 16)) & 0x030000FFu;
  v = (v | (v << 8)) & 0x0300F00Fu;
  v = (v | (v << 4)) & 0x030C30C3u;
  return (v | (v << 2)) & 0x09249249u;
}

}  // namespace

std::vector<int32_t> morton_order(const double* points, int64_t count) {
  std::vector<int32_t> order(count), other(count);
  if (count == 0) return order;
  double low[3], high[3], extent = 0;
  bounds(points, count, low, high);
  for (int k = 0; k < 3; ++k) extent = std::max(extent, high[k] - low[k]);
  const double scale = extent > 0 ? 1023 / extent : 0;
  std::unique_ptr<uint32_t[]> codes(new uint32_t[count]);
  std::unique_ptr<uint32_t[]> other_codes(new uint32_t[count]);
  for_chunks(count, num_chunks(count, 4096), [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      uint32_t code = 0;
      for (int k = 0; k < 3; ++k)
        code |= spread(static_cast<uint32_t>((points[3 * i + k] - low[k]) * scale))
                << k;
      codes[i] = code;
      order[i] = static_cast<int32_t>(i);
    }
  });
  // Radix sort, stable, three passes of ten bits.
  for (int shift = 0; shift < 30; shift += 10) {
    CountingSort by_digit(count, 1024, each_key([&](int64_t i) -> int32_t {
                            return (codes[i] >> shift) & 1023;
                          }));
    by_digit.place([&](int64_t i, int32_t to) {
      other_codes[to] = codes[i];
      other[to] = order[i];
    });
    codes.swap(other_codes);
    order.swap(other);
  }
  return order;
}

}  // namespace svr3d
