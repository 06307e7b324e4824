// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

template <typename T>
struct SplatBatch {
  const T* points;         // (batch, count, 3)
  const int64_t* lengths;  // (batch)
  int64_t batch, count, height, width;
};

template <typename T>
void launch_splat_silhouettes(const SplatBatch<T>& given, double sharpness,
                              double reach, T* out, cudaStream_t stream);

template <typename T>
void launch_splat_silhouettes_backward(const SplatBatch<T>& given, const T* grad,
                                       const T* result, double sharpness, double reach,
                                       T* out, cudaStream_t stream);

// features (batch, count, size), image (batch, height, width, size) and stats
// (batch, height, width, 2).
template <typename T>
void launch_splat_features(const SplatBatch<T>& given, const T* features, int64_t size,
                           double well, double beta, T* image, T* stats,
                           cudaStream_t stream);

template <typename T>
void launch_splat_features_backward(const SplatBatch<T>& given, const T* grad,
                                    const T* image, const T* stats, const T* features,
                                    int64_t size, double well, double beta, T* points,
                                    T* slopes, cudaStream_t stream);

}  // namespace svr3d
