// SPDX-License-Identifier: Apache-2.0
// The published two-dimensional hash rule of points in meshes, bit for bit in double.
//
// Mescheder et al., "Occupancy Networks" (2019). Positions are in cells of the hash.
#pragma once

#include <math.h>

#include "../common/vec3.h"

namespace svr3d {

// Cells that a triangle is registered in, closed ranges along x and y.
struct HashCells {
  int low[2], high[2];
};

SVR3D_HD int hash_cell(double value, int resolution) {
  const double clamped = fmin(fmax(value, 0.0), double(resolution - 1));
  return static_cast<int>(clamped);
}

SVR3D_HD HashCells hash_cells(const double* triangle, int resolution) {
  HashCells cells;
  for (int k = 0; k < 2; ++k) {
    const double a = triangle[k], b = triangle[3 + k], c = triangle[6 + k];
    cells.low[k] = hash_cell(fmin(a, fmin(b, c)), resolution);
    cells.high[k] = hash_cell(fmax(a, fmax(b, c)), resolution);
  }
  return cells;
}

// Whether (x, y) lies strictly within the triangle's projection.
SVR3D_HD bool strictly_within(const double* t, double x, double y) {
  const double ax = t[0] - t[6], ay = t[1] - t[7];
  const double bx = t[3] - t[6], by = t[4] - t[7];
  const double determinant = ax * by - bx * ay;
  if (determinant == 0) return false;
  const double sign = determinant > 0 ? 1 : -1;
  const double size = determinant * sign;
  const double px = x - t[6], py = y - t[7];
  const double u = (by * px - bx * py) * sign;
  const double v = (ax * py - ay * px) * sign;
  return u > 0 && u < size && v > 0 && v < size && u + v > 0 && u + v < size;
}

// 1 if the triangle lies above the point or at it, 0 below, -1 if neither holds.
SVR3D_HD int side_of(const double* t, const double* p) {
  const Vec3<double> a = load3(t);
  const Vec3<double> n = cross(load3(t + 6) - a, load3(t + 3) - a);
  const double size = n.z < 0 ? -n.z : n.z;
  const double slope = n.x * (a.x - p[0]) + n.y * (a.y - p[1]);
  const double depth = a.z * size + (n.z > 0 ? slope : (n.z < 0 ? -slope : NAN));
  const double own = p[2] * size;
  return depth >= own ? 1 : (depth < own ? 0 : -1);
}

}  // namespace svr3d
