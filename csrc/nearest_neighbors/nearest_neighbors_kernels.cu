// SPDX-License-Identifier: Apache-2.0
// Brute force: one thread per query; the points pass through shared memory in tiles.
#include "../common/cuda_launch.h"
#include "nearest_neighbors.h"
#include "nearest_neighbors_launch.h"

namespace svr3d {
namespace {

// Puts (d, j) in its place among the k first found so far, of which `held` are set.
// Points come by rising index: among equals the earlier stays ahead.
template <typename T>
__device__ void insert(T d, int64_t j, int64_t k, int64_t& held, T* distances,
                       int64_t* indices) {
  if (held == k && !(d < distances[k - 1])) return;
  int64_t place = held < k ? held++ : k - 1;
  for (; place > 0 && d < distances[place - 1]; --place) {
    distances[place] = distances[place - 1];
    indices[place] = indices[place - 1];
  }
  distances[place] = d;
  indices[place] = j;
}

template <typename T>
__global__ void nearest_neighbors_kernel(const T* queries, const T* points,
                                         const int64_t* query_lengths,
                                         const int64_t* point_lengths, int64_t batch,
                                         int64_t n, int64_t m, int64_t k, T* distances,
                                         int64_t* indices) {
  __shared__ T tile[3 * kThreads];
  const int64_t tiles_of_queries = (n + kThreads - 1) / kThreads;
  for (int64_t task = blockIdx.x; task < batch * tiles_of_queries; task += gridDim.x) {
    const int64_t b = task / tiles_of_queries;
    const int64_t i = task % tiles_of_queries * kThreads + threadIdx.x;
    const bool valid = i < query_lengths[b];
    const int64_t length = point_lengths[b];
    const Vec3<T> query =
        valid ? load3(queries + 3 * (n * b + i)) : Vec3<T>{T(0), T(0), T(0)};
    T* out_distances = distances + (n * b + i) * k;  // only used where i < n
    int64_t* out_indices = indices + (n * b + i) * k;
    T best = INFINITY;
    int64_t best_index = -1, held = 0;
    for (int64_t first = 0; first < length; first += kThreads) {
      const int size =
          static_cast<int>(length - first < kThreads ? length - first : kThreads);
      __syncthreads();  // the previous tile has been read
      for (int v = threadIdx.x; v < 3 * size; v += kThreads)
        tile[v] = points[3 * (m * b + first) + v];
      __syncthreads();
      if (!valid) continue;
      for (int j = 0; j < size; ++j) {
        const T d = squared_length(query - load3(tile + 3 * j));
        if (k > 1) {
          insert(d, first + j, k, held, out_distances, out_indices);
        } else if (d < best || best_index < 0) {
          best = d;
          best_index = first + j;
        }
      }
    }
    if (i >= n) continue;
    if (k == 1) {
      out_distances[0] = best;
      out_indices[0] = best_index;
    } else {
      for (; held < k; ++held) {
        out_distances[held] = INFINITY;
        out_indices[held] = -1;
      }
    }
  }
}

__device__ void add(float* to, float value) { atomicAdd(to, value); }
__device__ void add(double* to, double value) { atomicAdd(to, value); }

template <typename T>
__global__ void backward_kernel(const T* grad, const T* queries, const T* points,
                                const int64_t* indices, int64_t batch, int64_t n,
                                int64_t m, int64_t k, T* grad_queries, T* grad_points) {
  SVR3D_GRID_LOOP(i, batch * n) {
    const int64_t cloud = i / n * m;  // its first point
    const Vec3<T> query = load3(queries + 3 * i);
    Vec3<T> sum{T(0), T(0), T(0)};
    for (int64_t p = i * k; p < (i + 1) * k; ++p) {
      if (indices[p] < 0) continue;  // no neighbour
      const int64_t j = 3 * (cloud + indices[p]);
      const Vec3<T> g = distance_gradient(query, load3(points + j), grad[p]);
      sum = sum + g;
      add(grad_points + j, -g.x);
      add(grad_points + j + 1, -g.y);
      add(grad_points + j + 2, -g.z);
    }
    // The kernel of the other direction may follow, but none runs beside this one.
    grad_queries[3 * i] += sum.x;
    grad_queries[3 * i + 1] += sum.y;
    grad_queries[3 * i + 2] += sum.z;
  }
}

}  // namespace

template <typename T>
void launch_nearest_neighbors(const T* queries, const T* points,
                              const int64_t* query_lengths,
                              const int64_t* point_lengths, int64_t batch, int64_t n,
                              int64_t m, int64_t k, T* distances, int64_t* indices,
                              cudaStream_t stream) {
  if (batch == 0 || n == 0) return;
  const int64_t tasks = batch * ((n + kThreads - 1) / kThreads);
  const int blocks = static_cast<int>(tasks < 65535 ? tasks : 65535);
  nearest_neighbors_kernel<<<blocks, kThreads, 0, stream>>>(
      queries, points, query_lengths, point_lengths, batch, n, m, k, distances,
      indices);
}

template <typename T>
void launch_nearest_neighbors_backward(const T* grad, const T* queries, const T* points,
                                       const int64_t* indices, int64_t batch, int64_t n,
                                       int64_t m, int64_t k, T* grad_queries,
                                       T* grad_points, cudaStream_t stream) {
  if (batch == 0 || n == 0) return;
  backward_kernel<<<blocks_for(batch * n), kThreads, 0, stream>>>(
      grad, queries, points, indices, batch, n, m, k, grad_queries, grad_points);
}

#define SVR3D_INSTANTIATE(T)                                                        \
  template void launch_nearest_neighbors(const T*, const T*, const int64_t*,        \
                                         const int64_t*, int64_t, int64_t, int64_t, \
                                         int64_t, T*, int64_t*, cudaStream_t);      \
  template void launch_nearest_neighbors_backward(                                  \
      const T*, const T*, const T*, const int64_t*, int64_t, int64_t, int64_t,      \
      int64_t, T*, T*, cudaStream_t)
SVR3D_INSTANTIATE(float);
SVR3D_INSTANTIATE(double);

}  // namespace svr3d
