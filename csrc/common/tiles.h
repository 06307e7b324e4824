// SPDX-License-Identifier: Apache-2.0
// Images in tiles of 4 x 4 pixels: one tile fills a vector register, and small faces
// waste few lanes.
#pragma once

#include <cstdint>

#include "macros.h"

namespace svr3d {

constexpr int kTileSide = 4;
constexpr int kTileLanes = kTileSide * kTileSide;

SVR3D_HD int64_t tiles_along(int64_t pixels) {
  return (pixels + kTileSide - 1) / kTileSide;
}

// Where pixel (y, x) lies in an image of `columns` tiles a row.
SVR3D_HD int64_t tile_offset(int64_t y, int64_t x, int64_t columns) {
  return ((y / kTileSide) * columns + x / kTileSide) * kTileLanes +
         (y % kTileSide) * kTileSide + x % kTileSide;
}

struct TileRange {
  int64_t begin, end;
};

// Tiles that the pixels [low, high] of a row of `count` tiles lie in; infinite bounds
// are cut, and NaN gives an empty range.
template <typename T>
SVR3D_HD TileRange tile_range(T low, T high, int64_t count) {
  const T first = low / kTileSide, last = high / kTileSide;
  if (!(last >= 0) || !(first < T(count)) || !(first <= last)) return {0, 0};
  return {first > 0 ? static_cast<int64_t>(first) : 0,
          last < T(count - 1) ? static_cast<int64_t>(last) + 1 : count};
}

}  // namespace svr3d
