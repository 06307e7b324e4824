// SPDX-License-Identifier: Apache-2.0
// Launcher that the kernel file offers to the binding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// vertices (V, 3); faces (F, 3); grid (R, R, R), zeroed.
void launch_voxelize_surface(const double* vertices, const int64_t* faces,
                             int64_t num_faces, int resolution, uint8_t* grid,
                             cudaStream_t stream);

}  // namespace svr3d
