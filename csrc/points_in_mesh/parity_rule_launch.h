// SPDX-License-Identifier: Apache-2.0
// Launcher that the kernel file offers to the binding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// vertices (V, 3); faces (F, 3); points (num_points, 3); box is scratch of 6 numbers;
// inside (num_points).
template <typename T, typename I>
void launch_points_in_mesh_parity(const T* vertices, int64_t num_vertices,
                                  const I* faces, int64_t num_faces, const T* points,
                                  int64_t num_points, T* box, bool* inside,
                                  cudaStream_t stream);

}  // namespace svr3d
