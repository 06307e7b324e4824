// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "neural_rasterize.h"

namespace svr3d {

// Bytes of scratch that both directions need.
template <typename T>
int64_t neural_scratch_bytes(const NeuralScene<T>& scene, int64_t batch);

// images (batch, channels, S, S), depth and index (batch, S, S).
template <typename T>
void launch_neural_rasterize(const NeuralScene<T>& scene, int64_t batch, void* scratch,
                             T* images, T* depth, int32_t* index, cudaStream_t stream);

// Upstream gradients may be null. corners (batch, drawn faces, 9) is scratch too.
template <typename T>
struct NeuralPulls {
  const T *grad_images, *grad_depth, *images, *depth;
  const int32_t* index;
  T *corners, *vertices, *textures;
};

template <typename T>
void launch_neural_rasterize_backward(const NeuralScene<T>& scene, int64_t batch,
                                      void* scratch, const NeuralPulls<T>& pulls,
                                      cudaStream_t stream);

}  // namespace svr3d
