// SPDX-License-Identifier: Apache-2.0
// Signed crossings of the lines from many points towards +z.
#pragma once

#include "../common/mesh_arrays.h"

namespace svr3d {

// For each point how many faces the line crosses upwards less how many downwards, with
// "upwards" as seen from the side where a face's corners are clockwise. For a closed
// mesh it is the winding number, and odd where the number of crossings is odd.
template <typename T, typename I>
void count_crossings(const MeshArrays<T, I>& mesh, const T* points, int64_t num_points,
                     int32_t* crossings);

}  // namespace svr3d
