// SPDX-License-Identifier: Apache-2.0
#include "search.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "../common/lanes_prepare.h"
#include "nearest_neighbors.h"

namespace svr3d {

#define SVR3D_PER_SET "../nearest_neighbors/packet_search.h"
#include "../common/lanes_per_set.h"

namespace {

template <typename T>
void choose(const CloudIndex<T>& queries, const CloudIndex<T>& points, int64_t k,
            int64_t begin, int64_t end, T* distances, int64_t* indices) {
  const InstructionSet set = instruction_set();
#if SVR3D_X86
  if (set == InstructionSet::kAvx512)
    return avx512::search_packets(queries, points, k, begin, end, distances, indices);
  if (set == InstructionSet::kAvx2)
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
