// SPDX-License-Identifier: Apache-2.0
// Launcher that the kernel file offers to the binding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// vertices (V, 3); faces (F, 3); points (num_points, 3); out (num_points).
void launch_winding_number(const double* vertices, const int64_t* faces,
                           int64_t num_faces, const double* points, int64_t num_points,
                           double* out, cudaStream_t stream);

}  // namespace svr3d
