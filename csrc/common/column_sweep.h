// SPDX-License-Identifier: Apache-2.0
// Where the columns of a grid cross a triangle.
//
// Columns run along w through the cell centres of the (u, v) plane; coordinates are in
// cells. Everything about an edge is computed from its end points in the order of v,
// and intervals are half-open, so that the two triangles of an edge agree bit for bit
// on who covers which column: a closed mesh is crossed an even number of times.
#pragma once

#include "macros.h"

namespace svr3d {

// Number of cell centres i + 1/2 below a coordinate, 0 to `size`.
SVR3D_HD int centres_below(double x, int size) {
  const double c = x - 0.5;
  if (!(c > 0)) return 0;
  if (c > size - 1) return size;
  const int n = static_cast<int>(c);
  return n + (c > n);
}

struct SweepCorner {
  double u, v, w;
  int below_u, below_v;  // centres below u and v
};

SVR3D_HD void swap_corners(SweepCorner& a, SweepCorner& b) {
  const SweepCorner c = a;
  a = b;
  b = c;
}

// First column to the right of an edge, whose lower end comes first.
SVR3D_HD int column_at(const SweepCorner& a, const SweepCorner& b, double slope,
                       double v, int size) {
  const int low = a.below_u < b.below_u ? a.below_u : b.below_u;
  const int high = a.below_u < b.below_u ? b.below_u : a.below_u;
  const int column = centres_below(a.u + (v - a.v) * slope, size);
  return column < low ? low : (column > high ? high : column);
}

SVR3D_HD double edge_slope(const SweepCorner& a, const SweepCorner& b) {
  return a.below_v == b.below_v ? 0.0 : (b.u - a.u) / (b.v - a.v);
}

// Calls emit(i, j, k, sign) for each column (i, j) that the triangle covers: k cell
// centres lie below the crossing, and sign is +1 if the corners run counter-clockwise
// as seen from +w with u to the right and v up, else -1.
template <typename Emit>
SVR3D_HD void sweep_triangle(SweepCorner a, SweepCorner b, SweepCorner c, int size,
                             const Emit& emit) {
  int sign = 1;
  if (b.v < a.v) {
    swap_corners(a, b);
    sign = -sign;
  }
  if (c.v < b.v) {
    swap_corners(b, c);
    sign = -sign;
    if (b.v < a.v) {
      swap_corners(a, b);
      sign = -sign;
    }
  }
  const double slope_ac = edge_slope(a, c);
  const double slope_ab = edge_slope(a, b), slope_bc = edge_slope(b, c);
  for (int j = a.below_v; j < c.below_v; ++j) {
    const double v = j + 0.5;
    const int first = column_at(a, c, slope_ac, v, size);
    const int second = j < b.below_v ? column_at(a, b, slope_ab, v, size)
                                     : column_at(b, c, slope_bc, v, size);
    if (first == second) continue;
    const int left = first < second ? first : second;
    const int right = first < second ? second : first;
    // The plane's height above the (u, v) plane, kept within the corners'.
    const double bu = b.u - a.u, bv = b.v - a.v, bw = b.w - a.w;
    const double cu = c.u - a.u, cv = c.v - a.v, cw = c.w - a.w;
    const double area = bu * cv - cu * bv;
    const double along_u = (bw * cv - cw * bv) / area;
    const double along_v = (bu * cw - cu * bw) / area;
    const double bottom = a.w < b.w ? (a.w < c.w ? a.w : c.w) : (b.w < c.w ? b.w : c.w);
    const double top = a.w > b.w ? (a.w > c.w ? a.w : c.w) : (b.w > c.w ? b.w : c.w);
    for (int i = left; i < right; ++i) {
      double w = a.w + along_u * (i + 0.5 - a.u) + along_v * (v - a.v);
      w = w > bottom ? w : bottom;  // also where the triangle is edge-on: w is NaN
      w = w < top ? w : top;
      emit(i, j, centres_below(w, size), first < second ? sign : -sign);
    }
  }
}

}  // namespace svr3d
