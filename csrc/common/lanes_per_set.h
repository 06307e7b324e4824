// SPDX-License-Identifier: Apache-2.0
// Compiles the file that SVR3D_PER_SET names once per instruction set, over lanes.h, in
// the namespaces portable, avx2 and avx512. Include it inside namespace svr3d, in one
// source file per such file, after all other headers and lanes_prepare.h:
//
//   namespace svr3d {
//   #define SVR3D_PER_SET "../match_points/choose_lanes.h"
//   #include "../common/lanes_per_set.h"

namespace portable {
#define SVR3D_LANE_BYTES 16
#include "lanes.h"
#include SVR3D_PER_SET
#undef SVR3D_LANE_BYTES
}  // namespace portable

#if SVR3D_X86
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#define SVR3D_LANE_BYTES 32
#include "lanes.h"
#include SVR3D_PER_SET
#undef SVR3D_LANE_BYTES
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl")
namespace avx512 {
#define SVR3D_LANE_BYTES 64
#include "lanes.h"
#include SVR3D_PER_SET
#undef SVR3D_LANE_BYTES
}  // namespace avx512
#pragma GCC pop_options
#endif

#undef SVR3D_PER_SET
