// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// A batch of meshes; face_stride is 0 where all meshes share their faces.
template <typename T>
struct MeshBatch {
  const T* vertices;
  const int64_t *faces, *lengths, *seeds;
  int64_t batch, num_vertices, num_faces, face_stride;
};

// sums (batch, num_faces) is scratch; the others are (batch, wanted, 3 or nothing).
template <typename T>
void launch_sample_surface(const MeshBatch<T>& meshes, int64_t wanted, double* sums,
                           T* points, T* normals, int64_t* face_index, T* barycentric,
                           cudaStream_t stream);

// gradient (batch, num_vertices, 3) must be zero.
template <typename T>
void launch_sample_surface_backward(const MeshBatch<T>& meshes, int64_t count,
                                    const T* point_gradient, const T* normal_gradient,
                                    const int64_t* face_index, const T* barycentric,
                                    T* gradient, cudaStream_t stream);

}  // namespace svr3d
