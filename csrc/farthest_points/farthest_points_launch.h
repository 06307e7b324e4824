// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// points (batch, count, 3); nearest (batch, count) is scratch; out (batch, wanted).
template <typename T>
void launch_farthest_points(const T* points, const int64_t* lengths, int64_t batch,
                            int64_t count, int64_t wanted, int64_t start, T* nearest,
                            int64_t* out, cudaStream_t stream);

}  // namespace svr3d
