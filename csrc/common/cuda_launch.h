// SPDX-License-Identifier: Apache-2.0
// What every CUDA kernel file needs. No torch header comes in here: nvcc alone
// compiles the kernels, in seconds, for any torch.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

constexpr int kThreads = 256;

// Blocks for a grid-stride loop over `count` items.
inline int blocks_for(int64_t count) {
  const int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<int>(blocks < 1 ? 1 : (blocks > 65535 ? 65535 : blocks));
}

// A loop over [0, count) shared by all threads of a launch; 64-bit indices.
#define SVR3D_GRID_LOOP(i, count)                                              \
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; \
       i < (count); i += static_cast<int64_t>(blockDim.x) * gridDim.x)

}  // namespace svr3d
