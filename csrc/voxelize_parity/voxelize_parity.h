// SPDX-License-Identifier: Apache-2.0
// From positions in the object frame to the columns of a grid over [-0.5, 0.5]^3.
#pragma once

#include "../common/column_sweep.h"

namespace svr3d {

template <typename T>
SVR3D_HD double to_cells(T coordinate, int resolution) {
  return (static_cast<double>(coordinate) + 0.5) * resolution;
}

// Columns run along z, scanlines along y: (u, v, w) are (y, x, z).
template <typename T>
SVR3D_HD SweepCorner grid_corner(const T* p, int resolution) {
  SweepCorner corner;
  corner.u = to_cells(p[1], resolution);
  corner.v = to_cells(p[0], resolution);
  corner.w = to_cells(p[2], resolution);
  corner.below_u = centres_below(corner.u, resolution);
  corner.below_v = centres_below(corner.v, resolution);
  return corner;
}

// Bit i becomes the parity of bits 0 to i.
SVR3D_HD unsigned long long prefix_parity(unsigned long long bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace svr3d
