// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the published visibility-fill voxeliser, bit for bit in float.
//
// Kato et al., "Neural 3D Mesh Renderer" (2018), evaluation of voxel IoU. Coordinates
// are in voxels. A scan looks along one axis; `first`, `second` and `depth` name the
// coordinates as the scan sees them.
#pragma once

#include <math.h>

#include "../common/macros.h"

namespace svr3d {

// Axis of the scan's first, second and depth coordinate.
SVR3D_HD void scan_axes(int axis, int* order) {
  order[0] = axis == 0 ? 2 : 0;
  order[1] = axis == 1 ? 2 : 1;
  order[2] = axis;
}

struct ScanTriangle {
  float origin[3];         // first corner
  float e1[3], e2[3];      // from it to the others
  float determinant;
  int low[2], high[2];     // half-open range of lattice points that may hit
};

// Prepares a triangle for a scan; false if the scan skips it.
SVR3D_HD bool setup_scan(const float* a, const float* b, const float* c, int axis,
                         int resolution, ScanTriangle& t) {
  int order[3];
  scan_axes(axis, order);
  float extent = 0, reach = static_cast<float>(resolution);
  for (int k = 0; k < 3; ++k) {
    t.origin[k] = a[order[k]];
    t.e1[k] = b[order[k]] - t.origin[k];
    t.e2[k] = c[order[k]] - t.origin[k];
    if (k == 2) break;
    const float low = fminf(0.0f, fminf(t.e1[k], t.e2[k])) + t.origin[k];
    const float high = fmaxf(0.0f, fmaxf(t.e1[k], t.e2[k])) + t.origin[k];
    extent = fmaxf(extent, high - low);
    reach = fmaxf(reach, fabsf(t.origin[k]));
    // One lattice point of slack on either side, against rounding.
    const float first = fminf(fmaxf(ceilf(low) - 1, 0.0f), float(resolution));
    const float last = fminf(fmaxf(floorf(high) + 2, 0.0f), float(resolution));
    t.low[k] = static_cast<int>(first);
    t.high[k] = static_cast<int>(last);
  }
  t.determinant = t.e1[1] * t.e2[0] - t.e2[1] * t.e1[0];
  if (t.determinant == 0) return false;
  // The slack holds as long as rounding moves the barycentric coordinates little;
  // slivers are tested against every lattice point.
  const float noise = 1e-5f * extent * (2 * reach + extent);
  if (!(noise * extent < fabsf(t.determinant))) {
    for (int k = 0; k < 2; ++k) {
      t.low[k] = 0;
      t.high[k] = resolution;
    }
  }
  return true;
}

// Depth at a lattice point; false if the triangle does not cover it. The order of the
// operations is the published one.
SVR3D_HD bool scan_depth(const ScanTriangle& t, int first, int second, float* depth) {
  const float y = static_cast<float>(first) - t.origin[0];
  const float x = static_cast<float>(second) - t.origin[1];
  const float t1 = (t.e2[0] * x - t.e2[1] * y) / t.determinant;
  const float t2 = (-t.e1[0] * x + t.e1[1] * y) / t.determinant;
  *depth = floorf(t1 * t.e1[2] + t2 * t.e2[2] + t.origin[2]);
  return t1 >= 0 && t2 >= 0 && t1 + t2 <= 1;
}

}  // namespace svr3d
