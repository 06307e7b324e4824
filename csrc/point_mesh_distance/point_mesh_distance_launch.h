// SPDX-License-Identifier: Apache-2.0
// Launcher that the kernel file offers to the binding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// points (num_points, 3); vertices (V, 3); faces (num_faces, 3), at least one; scratch
// (num_faces, 21); nearest (num_points); weights (num_points, 3).
void launch_point_mesh_distance(const double* points, int64_t num_points,
                                const double* vertices, const int64_t* faces,
                                int64_t num_faces, double* scratch, int64_t* nearest,
                                double* weights, cudaStream_t stream);

}  // namespace svr3d
