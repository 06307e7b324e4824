// SPDX-License-Identifier: Apache-2.0
// Spatial order of points, so that neighbours share a packet.
#pragma once

#include <cstdint>
#include <vector>

namespace svr3d {

// Indices of the points (count, 3) along a Morton curve; ties keep their order.
std::vector<int32_t> morton_order(const double* points, int64_t count);

}  // namespace svr3d
