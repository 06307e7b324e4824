// SPDX-License-Identifier: Apache-2.0
// One block per face; its threads share the cells of the face's bounding box. Several
// faces may mark a cell, all with the same value.
#include "../common/cuda_launch.h"
#include "voxelize_meshes.h"
#include "voxelize_surface_launch.h"

namespace svr3d {
namespace {

__global__ void voxelize_surface_kernel(const double* vertices, const int64_t* faces,
                                        int64_t num_faces, int resolution,
                                        uint8_t* grid) {
  for (int64_t f = blockIdx.x; f < num_faces; f += gridDim.x) {
    double p[3][3];
    for (int c = 0; c < 3; ++c)
      for (int k = 0; k < 3; ++k)
        p[c][k] = (vertices[3 * faces[3 * f + c] + k] + 0.5) * resolution;
    VoxelTriangle t;
    if (!setup_voxel_triangle(p, resolution, t)) continue;
    const int64_t size_y = t.high[1] - t.low[1], size_z = t.high[2] - t.low[2];
    const int64_t count = (t.high[0] - t.low[0]) * size_y * size_z;
    for (int64_t n = threadIdx.x; n < count; n += blockDim.x) {
      const int64_t x = t.low[0] + n / (size_y * size_z);
      const int64_t y = t.low[1] + n / size_z % size_y;
      const int64_t z = t.low[2] + n % size_z;
      const double u = static_cast<double>(x), v = static_cast<double>(y);
      const double w = static_cast<double>(z);
      if (plane_overlaps(t, u, v, w) && projection_overlaps(t, 0, v, w) &&
          projection_overlaps(t, 1, w, u) && projection_overlaps(t, 2, u, v))
        grid[(x * resolution + y) * resolution + z] = 1;
    }
  }
}

}  // namespace

void launch_voxelize_surface(const double* vertices, const int64_t* faces,
                             int64_t num_faces, int resolution, uint8_t* grid,
                             cudaStream_t stream) {
  if (num_faces == 0) return;
  const int blocks = static_cast<int>(num_faces < 65535 ? num_faces : 65535);
  voxelize_surface_kernel<<<blocks, 64, 0, stream>>>(vertices, faces, num_faces,
                                                     resolution, grid);
}

}  // namespace svr3d
