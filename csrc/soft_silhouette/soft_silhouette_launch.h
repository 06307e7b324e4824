// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// Meshes and images of one call; faces are (1 or batch, num_faces, 3).
template <typename T>
struct SoftBatch {
  const T* vertices;  // (batch, num_vertices, 2)
  const int64_t* faces;
  const int64_t* lengths;  // (batch)
  int64_t batch, num_vertices, num_faces, face_stride, height, width;
  double sigma, radius;
};

// Bytes of scratch that both directions need.
template <typename T>
int64_t soft_scratch_bytes(const SoftBatch<T>& given);

// out (batch, height, width).
template <typename T>
void launch_soft_silhouette(const SoftBatch<T>& given, void* scratch, T* out,
                            cudaStream_t stream);

// corners (batch, num_faces, 6) is scratch too; out (batch, num_vertices, 2).
template <typename T>
void launch_soft_silhouette_backward(const SoftBatch<T>& given, const T* grad,
                                     const T* free, void* scratch, T* corners, T* out,
                                     cudaStream_t stream);

}  // namespace svr3d
