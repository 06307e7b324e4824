// SPDX-License-Identifier: Apache-2.0
// One block per pair of clouds: all its threads scan the objects of one bid, and the
// bids come in the order of the CPU kernel, so that both make the same matches.
#include "../common/cuda_launch.h"
#include "match_points.h"
#include "match_points_launch.h"

namespace svr3d {
namespace {

struct Pair {
  const float *x, *y;
  int64_t n;
  bool squared;
};

// The block's choice for one bidder, the same in all threads.
__device__ Choice choose(const Pair& pair, const float* prices, int64_t bidder,
                         Choice* shared) {
  const Vec3<float> point = load3(pair.x + 3 * bidder);
  Choice mine = no_choice();
  for (int64_t j = threadIdx.x; j < pair.n; j += kThreads) {
    const float value =
        pair_cost(point, load3(pair.y + 3 * j), pair.squared) + prices[j];
    mine = merge(mine, Choice{value, kNoCost, static_cast<int32_t>(j)});
  }
  shared[threadIdx.x] = mine;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half)
      shared[threadIdx.x] = merge(shared[threadIdx.x], shared[threadIdx.x + half]);
    __syncthreads();
  }
  const Choice choice = shared[0];
  __syncthreads();
  return choice;
}

// Largest cost of the pair, the same in all threads.
__device__ float largest_cost(const Pair& pair, Choice* shared) {
  float mine = 0;
  for (int64_t p = threadIdx.x; p < pair.n * pair.n; p += kThreads) {
    const float cost = pair_cost(load3(pair.x + 3 * (p / pair.n)),
                                 load3(pair.y + 3 * (p % pair.n)), pair.squared);
    mine = cost > mine ? cost : mine;
  }
  shared[threadIdx.x].best = mine;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      const float other = shared[threadIdx.x + half].best;
      if (other > shared[threadIdx.x].best) shared[threadIdx.x].best = other;
    }
    __syncthreads();
  }
  const float largest = shared[0].best;
  __syncthreads();
  return largest;
}

__device__ void bid(const Pair& pair, float epsilon, float* prices, int32_t* owners,
                    int32_t* queue, int64_t* matches, Choice* shared) {
  __shared__ int64_t waiting;
  for (int64_t i = threadIdx.x; i < pair.n; i += kThreads) {
    owners[i] = -1;
    queue[i] = static_cast<int32_t>(i);
  }
  if (threadIdx.x == 0) waiting = pair.n;
  __syncthreads();
  for (int64_t head = 0; waiting > 0; head = (head + 1) % pair.n) {
    const int32_t bidder = queue[head];
    const Choice choice = choose(pair, prices, bidder, shared);
    if (threadIdx.x == 0) {
      const int32_t loser = owners[choice.object];
      prices[choice.object] = raised(prices[choice.object], choice, epsilon);
      owners[choice.object] = bidder;
      matches[bidder] = choice.object;
      if (loser < 0)
        --waiting;
      else
        queue[(head + waiting) % pair.n] = loser;
    }
    __syncthreads();
  }
}

__global__ void match_points_kernel(const float* x, const float* y,
                                    const int64_t* lengths, int64_t batch, int64_t n,
                                    double tolerance, bool squared, float* prices,
                                    int32_t* owners, int32_t* queue, int64_t* matches) {
  __shared__ Choice shared[kThreads];
  __shared__ Rounds rounds;
  __shared__ bool more;
  for (int64_t b = blockIdx.x; b < batch; b += gridDim.x) {
    const Pair pair{x + 3 * n * b, y + 3 * n * b, lengths[b], squared};
    int64_t* match = matches + n * b;
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      prices[n * b + i] = 0;
      match[i] = i < pair.n ? i : -1;  // stands if all points coincide
    }
    const float largest = largest_cost(pair, shared);
    if (threadIdx.x == 0) {
      rounds = first_round(largest);
      more = largest > 0;
    }
    __syncthreads();
    while (more) {
      bid(pair, static_cast<float>(rounds.epsilon), prices + n * b, owners + n * b,
          queue + n * b, match, shared);
      if (threadIdx.x == 0) {
        double total = 0;  // in the CPU's order
        for (int64_t i = 0; i < pair.n; ++i)
          total += pair_cost(load3(pair.x + 3 * i), load3(pair.y + 3 * match[i]),
                             squared);
        more = next_round(rounds, total, pair.n, tolerance);
      }
      __syncthreads();
    }
    __syncthreads();
  }
}

}  // namespace

void launch_match_points(const float* x, const float* y, const int64_t* lengths,
                         int64_t batch, int64_t n, double tolerance, bool squared,
                         float* prices, int32_t* owners, int32_t* queue,
                         int64_t* matches, cudaStream_t stream) {
  if (batch == 0 || n == 0) return;
  const int blocks = static_cast<int>(batch < 65535 ? batch : 65535);
  match_points_kernel<<<blocks, kThreads, 0, stream>>>(x, y, lengths, batch, n,
                                                       tolerance, squared, prices,
                                                       owners, queue, matches);
}

}  // namespace svr3d
