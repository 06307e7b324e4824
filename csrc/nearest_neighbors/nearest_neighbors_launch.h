// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// queries (batch, n, 3), points (batch, m, 3); distances and indices (batch, n, k).
template <typename T>
void launch_nearest_neighbors(const T* queries, const T* points,
                              const int64_t* query_lengths,
                              const int64_t* point_lengths, int64_t batch, int64_t n,
                              int64_t m, int64_t k, T* distances, int64_t* indices,
                              cudaStream_t stream);

// Adds to grad_queries (batch, n, 3) and grad_points (batch, m, 3).
template <typename T>
void launch_nearest_neighbors_backward(const T* grad, const T* queries, const T* points,
                                       const int64_t* indices, int64_t batch, int64_t n,
                                       int64_t m, int64_t k, T* grad_queries,
                                       T* grad_points, cudaStream_t stream);

}  // namespace svr3d
