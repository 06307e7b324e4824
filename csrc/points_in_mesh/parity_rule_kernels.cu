// SPDX-License-Identifier: Apache-2.0
// One block finds the mesh's box; then one thread per point goes through all faces.
#include "../common/cuda_launch.h"
#include "crossings.h"
#include "parity_rule_launch.h"

namespace svr3d {
namespace {

// box: least x, y, z, then greatest x, y, z.
template <typename T>
__global__ void box_kernel(const T* vertices, int64_t num_vertices, T* box) {
  __shared__ T least[kThreads], most[kThreads];
  const int thread = threadIdx.x;
  for (int k = 0; k < 3; ++k) {
    least[thread] = most[thread] = vertices[k];
    for (int64_t i = thread; i < num_vertices; i += kThreads) {
      least[thread] = smaller(least[thread], vertices[3 * i + k]);
      most[thread] = larger(most[thread], vertices[3 * i + k]);
    }
    __syncthreads();
    for (int half = kThreads / 2; half > 0; half /= 2) {
      if (thread < half) {
        least[thread] = smaller(least[thread], least[thread + half]);
        most[thread] = larger(most[thread], most[thread + half]);
      }
      __syncthreads();
    }
    if (thread == 0) {
      box[k] = least[0];
      box[3 + k] = most[0];
    }
    __syncthreads();
  }
}

template <typename T, typename I>
__global__ void parity_kernel(const T* vertices, const I* faces, int64_t num_faces,
                              const T* points, int64_t num_points, const T* box,
                              bool* inside) {
  SVR3D_GRID_LOOP(i, num_points) {
    const T* p = points + 3 * i;
    bool within = true;
    for (int k = 0; k < 3; ++k) within = within && p[k] >= box[k] && p[k] <= box[3 + k];
    Lane<T> crossings = 0;
    for (int64_t f = 0; within && f < num_faces; ++f) {
      const CrossedTriangle<T> t = crossed_triangle(
          vertices + 3 * static_cast<int64_t>(faces[3 * f]),
          vertices + 3 * static_cast<int64_t>(faces[3 * f + 1]),
          vertices + 3 * static_cast<int64_t>(faces[3 * f + 2]), box);
      crossings += crossing_above(t, p[0] - box[0], p[1] - box[1], p[2] - box[2]);
    }
    inside[i] = crossings % 2 != 0;
  }
}

}  // namespace

template <typename T, typename I>
void launch_points_in_mesh_parity(const T* vertices, int64_t num_vertices,
                                  const I* faces, int64_t num_faces, const T* points,
                                  int64_t num_points, T* box, bool* inside,
                                  cudaStream_t stream) {
  if (num_points == 0 || num_vertices == 0) return;
  box_kernel<<<1, kThreads, 0, stream>>>(vertices, num_vertices, box);
  parity_kernel<<<blocks_for(num_points), kThreads, 0, stream>>>(
      vertices, faces, num_faces, points, num_points, box, inside);
}

#define SVR3D_INSTANTIATE(T, I)                                                        \
  template void launch_points_in_mesh_parity(const T*, int64_t, const I*, int64_t,     \
                                             const T*, int64_t, T*, bool*,             \
                                             cudaStream_t);
SVR3D_INSTANTIATE(float, int32_t)
SVR3D_INSTANTIATE(float, int64_t)
SVR3D_INSTANTIATE(double, int32_t)
SVR3D_INSTANTIATE(double, int64_t)

}  // namespace svr3d
