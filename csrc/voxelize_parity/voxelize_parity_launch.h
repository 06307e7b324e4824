// SPDX-License-Identifier: Apache-2.0
// Launcher that the kernel file offers to the binding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// vertices (V, 3); faces (F, 3); first_face (meshes + 1); bits are zeroed scratch of
// meshes x resolution^2 x ceil(resolution / 64) words; grid (meshes, R, R, R).
template <typename T, typename I>
void launch_voxelize_parity(const T* vertices, const I* faces,
                            const int64_t* first_face, int64_t num_faces,
                            int64_t meshes, int resolution, unsigned long long* bits,
                            uint8_t* grid, cudaStream_t stream);

}  // namespace svr3d
