// SPDX-License-Identifier: Apache-2.0
#include "instruction_set.h"

#include <cstdlib>
#include <string>

#include "macros.h"

namespace svr3d {
namespace {

InstructionSet detect() {
#if SVR3D_X86
  const char* wish = std::getenv("SVR3D_SIMD");
  const std::string wanted = wish ? wish : "";
  if (wanted == "portable") return InstructionSet::kPortable;
  if (wanted != "avx2" && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return InstructionSet::kAvx512;
  if (__builtin_cpu_supports("avx2")) return InstructionSet::kAvx2;
#endif
  return InstructionSet::kPortable;
}

}  // namespace

InstructionSet instruction_set() {
  static const InstructionSet chosen = detect();
  return chosen;
}

}  // namespace svr3d
