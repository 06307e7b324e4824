// SPDX-License-Identifier: Apache-2.0
// Exact overlap of a triangle with the cells of a grid.
//
// Schwarz and Seidel, "Fast parallel surface and solid voxelization on GPUs"
// (2010): the separating axis test with everything that is constant over the grid
// taken out. Coordinates are in voxels: cell (i, j, k) is [i, i + 1] x ...
#pragma once

#include <math.h>

#include "../common/vec3.h"

namespace svr3d {

struct VoxelTriangle {
  double n[3];           // normal
  double near, far;      // plane offsets of a cell's two extreme corners
  double edge[3][3][3];  // per projection (yz, zx, xy), per edge: (u, v, offset)
  int low[3], high[3];   // half-open range of cells
};

// Touching counts: comparisons allow this much of a voxel for rounding.
SVR3D_HD double voxel_slack() { return 1e-9; }

SVR3D_HD int clamp_cell(double value, int resolution) {
  if (!(value > 0)) return 0;
  return value < resolution ? static_cast<int>(value) : resolution;
}

// Prepares a triangle; false if it misses the grid.
SVR3D_HD bool setup_voxel_triangle(const double p[3][3], int resolution,
                                   VoxelTriangle& t) {
  double e[3][3];
  for (int k = 0; k < 3; ++k) {
    const double low = fmin(p[0][k], fmin(p[1][k], p[2][k]));
    const double high = fmax(p[0][k], fmax(p[1][k], p[2][k]));
    // A coordinate on a cell's border touches the cells on both sides.
    t.low[k] = clamp_cell(ceil(low - voxel_slack()) - 1, resolution);
    t.high[k] = clamp_cell(floor(high + voxel_slack()) + 1, resolution);
    if (t.low[k] >= t.high[k]) return false;
    for (int i = 0; i < 3; ++i) e[i][k] = p[(i + 1) % 3][k] - p[i][k];
  }
  double size = 0;
  t.near = t.far = 0;
  for (int k = 0; k < 3; ++k) {
    const int u = (k + 1) % 3, v = (k + 2) % 3;
    t.n[k] = e[0][u] * e[1][v] - e[0][v] * e[1][u];
    size += fabs(t.n[k]);
    const double offset = -t.n[k] * p[0][k];
    t.near += offset + fmin(t.n[k], 0.0);
    t.far += offset + fmax(t.n[k], 0.0);
  }
  t.near -= voxel_slack() * size;
  t.far += voxel_slack() * size;
  for (int k = 0; k < 3; ++k) {
    const int u = (k + 1) % 3, v = (k + 2) % 3;
    const double sign = t.n[k] >= 0 ? 1 : -1;
    for (int i = 0; i < 3; ++i) {
      const double nu = -e[i][v] * sign, nv = e[i][u] * sign;
      t.edge[k][i][0] = nu;
      t.edge[k][i][1] = nv;
      t.edge[k][i][2] = -(nu * p[i][u] + nv * p[i][v]) + fmax(nu, 0.0) +
                        fmax(nv, 0.0) + voxel_slack() * (fabs(nu) + fabs(nv));
    }
  }
  return true;
}

// Whether the projection along axis `k` overlaps the cell's square.
SVR3D_HD bool projection_overlaps(const VoxelTriangle& t, int k, double u, double v) {
  bool hit = true;
  for (int i = 0; i < 3; ++i)
    hit = hit &&
          t.edge[k][i][0] * u + t.edge[k][i][1] * v + t.edge[k][i][2] >= 0;
  return hit;
}

SVR3D_HD bool plane_overlaps(const VoxelTriangle& t, double x, double y, double z) {
  const double s = t.n[0] * x + t.n[1] * y + t.n[2] * z;
  return s + t.near <= 0 && s + t.far >= 0;
}

}  // namespace svr3d
