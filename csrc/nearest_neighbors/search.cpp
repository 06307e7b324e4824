// SPDX-License-Identifier: Apache-2.0
#include "search.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "../common/lanes_dispatch.h"
#include "nearest_neighbors.h"

namespace svr3d {

namespace portable {
#define SVR3D_LANE_BYTES 16
#include "../common/lanes.h"
#include "packet_search.h"
#undef SVR3D_LANE_BYTES
}  // namespace portable

#ifdef SVR3D_X86_LANES
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#define SVR3D_LANE_BYTES 32
#include "../common/lanes.h"
#include "packet_search.h"
#undef SVR3D_LANE_BYTES
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl")
namespace avx512 {
#define SVR3D_LANE_BYTES 64
#include "../common/lanes.h"
#include "packet_search.h"
#undef SVR3D_LANE_BYTES
}  // namespace avx512
#pragma GCC pop_options
#endif

namespace {

template <typename T>
void choose(const CloudIndex<T>& queries, const CloudIndex<T>& points, int64_t k,
            int64_t begin, int64_t end, T* distances, int64_t* indices) {
  const LaneSet set = lane_set();
#ifdef SVR3D_X86_LANES
  if (set == LaneSet::kAvx512)
    return avx512::search_packets(queries, points, k, begin, end, distances, indices);
  if (set == LaneSet::kAvx2)
    return avx2::search_packets(queries, points, k, begin, end, distances, indices);
#endif
  static_cast<void>(set);
  portable::search_packets(queries, points, k, begin, end, distances, indices);
}

}  // namespace

void search(const CloudIndex<float>& queries, const CloudIndex<float>& points,
            int64_t k, int64_t begin, int64_t end, float* distances,
            int64_t* indices) {
  choose(queries, points, k, begin, end, distances, indices);
}

void search(const CloudIndex<double>& queries, const CloudIndex<double>& points,
            int64_t k, int64_t begin, int64_t end, double* distances,
            int64_t* indices) {
  choose(queries, points, k, begin, end, distances, indices);
}

}  // namespace svr3d
