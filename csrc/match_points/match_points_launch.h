// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// x, y (batch, n, 3); prices (batch, n), owners and queue (batch, n) are scratch;
// matches (batch, n).
void launch_match_points(const float* x, const float* y, const int64_t* lengths,
                         int64_t batch, int64_t n, double tolerance, bool squared,
                         float* prices, int32_t* owners, int32_t* queue,
                         int64_t* matches, cudaStream_t stream);

}  // namespace svr3d
