// SPDX-License-Identifier: Apache-2.0
// Nearest points of packets of queries, by the best instruction set of the processor.
#pragma once

#include "cloud_index.h"

namespace svr3d {

// For the packets (leaves of `queries`) [begin, end): the k points that come first by
// (squared distance, index), in that order, written at distances[query * k]; missing
// ones are infinity and -1.
void search(const CloudIndex<float>& queries, const CloudIndex<float>& points,
            int64_t k, int64_t begin, int64_t end, float* distances, int64_t* indices);
void search(const CloudIndex<double>& queries, const CloudIndex<double>& points,
            int64_t k, int64_t begin, int64_t end, double* distances,
            int64_t* indices);

}  // namespace svr3d
