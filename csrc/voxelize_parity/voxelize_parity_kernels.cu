// SPDX-License-Identifier: Apache-2.0
// One thread per face flips bits, one thread per column expands them. Flips of whole
// numbers commute: the result does not depend on the order of the threads.
#include "../common/cuda_launch.h"
#include "voxelize_parity.h"
#include "voxelize_parity_launch.h"

namespace svr3d {
namespace {

// The mesh that a face belongs to: the last one that begins at the face or before.
__device__ int64_t mesh_of(const int64_t* first_face, int64_t meshes, int64_t face) {
  int64_t low = 0, high = meshes - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (first_face[middle] <= face)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

template <typename T, typename I>
__global__ void flip_bits_kernel(const T* vertices, const I* faces,
                                 const int64_t* first_face, int64_t num_faces,
                                 int64_t meshes, int resolution,
                                 unsigned long long* bits) {
  const int64_t words = (resolution + 63) / 64;
  SVR3D_GRID_LOOP(f, num_faces) {
    const int64_t columns = static_cast<int64_t>(resolution) * resolution;
    unsigned long long* own = bits + mesh_of(first_face, meshes, f) * columns * words;
    const T* corner[3];
    for (int c = 0; c < 3; ++c)
      corner[c] = vertices + 3 * static_cast<int64_t>(faces[3 * f + c]);
    sweep_triangle(grid_corner(corner[0], resolution),
                   grid_corner(corner[1], resolution),
                   grid_corner(corner[2], resolution), resolution,
                   [=](int i, int j, int k, int) {
                     if (k == resolution) return;
                     const int64_t column = static_cast<int64_t>(j) * resolution + i;
                     atomicXor(own + column * words + k / 64, 1ull << (k % 64));
                   });
  }
}

__global__ void expand_kernel(const unsigned long long* bits, int64_t columns,
                              int resolution, uint8_t* grid) {
  const int words = (resolution + 63) / 64;
  SVR3D_GRID_LOOP(column, columns) {
    unsigned long long carry = 0;
    for (int w = 0; w < words; ++w) {
      const unsigned long long word = prefix_parity(bits[column * words + w]) ^ carry;
      carry = word >> 63 ? ~0ull : 0ull;
      const int size = resolution - 64 * w < 64 ? resolution - 64 * w : 64;
      for (int i = 0; i < size; ++i)
        grid[column * resolution + 64 * w + i] = static_cast<uint8_t>(word >> i & 1);
    }
  }
}

}  // namespace

template <typename T, typename I>
void launch_voxelize_parity(const T* vertices, const I* faces,
                            const int64_t* first_face, int64_t num_faces,
                            int64_t meshes, int resolution, unsigned long long* bits,
                            uint8_t* grid, cudaStream_t stream) {
  if (meshes == 0) return;
  if (num_faces > 0)
    flip_bits_kernel<<<blocks_for(num_faces), kThreads, 0, stream>>>(
        vertices, faces, first_face, num_faces, meshes, resolution, bits);
  const int64_t columns = meshes * resolution * resolution;
  expand_kernel<<<blocks_for(columns), kThreads, 0, stream>>>(bits, columns, resolution,
                                                              grid);
}

#define SVR3D_INSTANTIATE(T, I)                                                        \
  template void launch_voxelize_parity(const T*, const I*, const int64_t*, int64_t,    \
                                       int64_t, int, unsigned long long*, uint8_t*,    \
                                       cudaStream_t);
SVR3D_INSTANTIATE(float, int32_t)
SVR3D_INSTANTIATE(float, int64_t)
SVR3D_INSTANTIATE(double, int32_t)
SVR3D_INSTANTIATE(double, int64_t)

}  // namespace svr3d
