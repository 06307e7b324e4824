// SPDX-License-Identifier: Apache-2.0
// One block per cloud: its threads share the distances, and agree on the farthest.
#include "../common/cuda_launch.h"
#include "farthest_points.h"
#include "farthest_points_launch.h"

namespace svr3d {
namespace {

template <typename T>
__global__ void farthest_points_kernel(const T* points, const int64_t* lengths,
                                       int64_t batch, int64_t count, int64_t wanted,
                                       int64_t start, T* nearest, int64_t* out) {
  __shared__ T best[kThreads];
  __shared__ int64_t best_index[kThreads];
  const int thread = threadIdx.x;
  for (int64_t b = blockIdx.x; b < batch; b += gridDim.x) {
    const T* cloud = points + 3 * count * b;
    T* distance = nearest + count * b;
    const int64_t length = lengths[b];
    for (int64_t i = thread; i < length; i += kThreads) distance[i] = INFINITY;
    int64_t last = start;
    for (int64_t n = 0; n < wanted; ++n) {
      if (thread == 0) out[wanted * b + n] = last;
      const Vec3<T> p = load3(cloud + 3 * last);
      T mine = -1;
      int64_t mine_index = count;
      for (int64_t i = thread; i < length; i += kThreads) {
        const T d = squared_distance(load3(cloud + 3 * i), p);
        if (d < distance[i]) distance[i] = d;
        if (is_farther(distance[i], i, mine, mine_index)) {
          mine = distance[i];
          mine_index = i;
        }
      }
      best[thread] = mine;
      best_index[thread] = mine_index;
      __syncthreads();
      for (int half = kThreads / 2; half > 0; half /= 2) {
        if (thread < half && is_farther(best[thread + half], best_index[thread + half],
                                        best[thread], best_index[thread])) {
          best[thread] = best[thread + half];
          best_index[thread] = best_index[thread + half];
        }
        __syncthreads();
      }
      last = best_index[0];
      __syncthreads();
    }
  }
}

}  // namespace

template <typename T>
void launch_farthest_points(const T* points, const int64_t* lengths, int64_t batch,
                            int64_t count, int64_t wanted, int64_t start, T* nearest,
                            int64_t* out, cudaStream_t stream) {
  if (batch == 0 || wanted == 0) return;
  const int blocks = static_cast<int>(batch < 65535 ? batch : 65535);
  farthest_points_kernel<<<blocks, kThreads, 0, stream>>>(points, lengths, batch, count,
                                                          wanted, start, nearest, out);
}

template void launch_farthest_points(const float*, const int64_t*, int64_t, int64_t,
                                     int64_t, int64_t, float*, int64_t*, cudaStream_t);
template void launch_farthest_points(const double*, const int64_t*, int64_t, int64_t,
                                     int64_t, int64_t, double*, int64_t*,
                                     cudaStream_t);

}  // namespace svr3d
