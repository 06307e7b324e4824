// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "../common/tensor.h"
#include "voxelize_meshes.h"

namespace svr3d {
namespace {

// Marks the cells with first index in [begin, end) that the triangle touches.
void mark(const VoxelTriangle& t, int64_t begin, int64_t end, int64_t resolution,
          uint8_t* grid) {
  // Columns run along the axis that the triangle faces most, where the plane
  // leaves few cells.
  int axis = 0;
  for (int k = 1; k < 3; ++k)
    if (std::fabs(t.n[k]) > std::fabs(t.n[axis])) axis = k;
  const int u = (axis + 1) % 3, v = (axis + 2) % 3;
  int low[3], high[3];
  for (int k = 0; k < 3; ++k) {
    low[k] = k ? t.low[0 + k] : std::max<int>(t.low[0], static_cast<int>(begin));
    high[k] = k ? t.high[0 + k] : std::min<int>(t.high[0], static_cast<int>(end));
  }
  int cell[3];
  for (cell[u] = low[u]; cell[u] < high[u]; ++cell[u]) {
    for (cell[v] = low[v]; cell[v] < high[v]; ++cell[v]) {
      if (!projection_overlaps(t, axis, cell[u], cell[v])) continue;
      int first = low[axis], last = high[axis];
      if (t.n[axis] != 0) {
        const double s = t.n[u] * cell[u] + t.n[v] * cell[v];
        const double a = -(s + t.near) / t.n[axis], b = -(s + t.far) / t.n[axis];
        const double bottom = std::min(a, b) - 1, top = std::max(a, b) + 2;
        if (bottom > first) first = bottom < last ? static_cast<int>(bottom) : last;
        if (top < last) last = top > first ? static_cast<int>(top) : first;
      }
      for (cell[axis] = first; cell[axis] < last; ++cell[axis]) {
        if (plane_overlaps(t, cell[0], cell[1], cell[2]) &&
            projection_overlaps(t, u, cell[v], cell[axis]) &&
            projection_overlaps(t, v, cell[axis], cell[u]))
          grid[(cell[0] * resolution + cell[1]) * resolution + cell[2]] = 1;
      }
    }
  }
}

Tensor voxelize_surface(Tensor vertices, Tensor faces, int64_t resolution) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  STD_TORCH_CHECK(resolution >= 1 && resolution <= 4096,
                  "resolution must be 1 to 4096, found ", resolution);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  check_faces(faces, vertices.size(0));
  Tensor grid = new_tensor(vertices, {resolution, resolution, resolution},
                           ScalarType::Byte);
  uint8_t* data = grid.mutable_data_ptr<uint8_t>();
  const double* vertex = vertices.const_data_ptr<double>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  const int64_t count = faces.size(0);
  const int64_t slab = resolution * resolution;
  // Each thread owns slabs of the first axis: no two write the same cell.
  torch::stable::parallel_for(0, resolution, 8, [&](int64_t begin, int64_t end) {
    std::fill(data + begin * slab, data + end * slab, uint8_t{0});
    for (int64_t f = 0; f < count; ++f) {
      double p[3][3];
      const auto place = [&](int k) {
        for (int c = 0; c < 3; ++c)
          p[c][k] = (vertex[3 * face[3 * f + c] + k] + 0.5) * resolution;
      };
      place(0);
      // What lies in other threads' slabs is left to them before it is set up.
      if (std::max({p[0][0], p[1][0], p[2][0]}) < begin - 1 ||
          std::min({p[0][0], p[1][0], p[2][0]}) > end + 1)
        continue;
      place(1);
      place(2);
      VoxelTriangle triangle;
      if (setup_voxel_triangle(p, static_cast<int>(resolution), triangle))
        mark(triangle, begin, end, resolution, data);
    }
  });
  return grid;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("voxelize_surface", TORCH_BOX(&svr3d::voxelize_surface));
}
