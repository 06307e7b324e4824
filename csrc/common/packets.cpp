// SPDX-License-Identifier: Apache-2.0
#include "packets.h"

#include <algorithm>
#include <cmath>

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
  double low[3] = {1e300, 1e300, 1e300}, extent = 0;
  double high[3] = {-1e300, -1e300, -1e300};
  for (int64_t i = 0; i < count; ++i) {
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], points[3 * i + k]);
      high[k] = std::max(high[k], points[3 * i + k]);
    }
  }
  for (int k = 0; k < 3; ++k) extent = std::max(extent, high[k] - low[k]);
  const double scale = extent > 0 ? 1023 / extent : 0;
  std::vector<uint32_t> codes(count), other_codes(count);
  std::vector<int32_t> order(count), other(count);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t code = 0;
    for (int k = 0; k < 3; ++k)
      code |= spread(static_cast<uint32_t>((points[3 * i + k] - low[k]) * scale))
              << k;
    codes[i] = code;
    order[i] = static_cast<int32_t>(i);
  }
  // Radix sort, stable, three passes of ten bits.
  for (int shift = 0; shift < 30; shift += 10) {
    int64_t start[1025] = {0};
    for (uint32_t code : codes) ++start[((code >> shift) & 1023) + 1];
    for (int b = 0; b < 1024; ++b) start[b + 1] += start[b];
    for (int64_t i = 0; i < count; ++i) {
      const int64_t to = start[(codes[i] >> shift) & 1023]++;
      other_codes[to] = codes[i];
      other[to] = order[i];
    }
    codes.swap(other_codes);
    order.swap(other);
  }
  return order;
}

}  // namespace svr3d
