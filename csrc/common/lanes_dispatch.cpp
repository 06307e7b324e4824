// SPDX-License-Identifier: Apache-2.0
#include "lanes_dispatch.h"

#include <cstdlib>
#include <string>

namespace svr3d {
namespace {

LaneSet detect() {
#ifdef SVR3D_X86_LANES
  const char* wish = std::getenv("SVR3D_CPU_LANES");
  const std::string wanted = wish ? wish : "";
  if (wanted == "portable") return LaneSet::kPortable;
  if (wanted != "avx2" && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return LaneSet::kAvx512;
  if (__builtin_cpu_supports("avx2")) return LaneSet::kAvx2;
#endif
  return LaneSet::kPortable;
}

}  // namespace

LaneSet lane_set() {
  static const LaneSet chosen = detect();
  return chosen;
}

}  // namespace svr3d
