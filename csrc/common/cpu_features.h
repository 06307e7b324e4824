// SPDX-License-Identifier: Apache-2.0
// Which instruction sets this machine has. SVR3D_SIMD (avx2, portable) lowers them,
// for tests and for measuring.
#pragma once

#include <cstdlib>
#include <cstring>

#include "macros.h"

namespace svr3d {

#if SVR3D_X86
inline bool simd_at_most(const char* name) {
  const char* wish = std::getenv("SVR3D_SIMD");
  return wish && std::strcmp(wish, name) == 0;
}

inline bool has_avx2() {
  return __builtin_cpu_supports("avx2") && !simd_at_most("portable");
}

inline bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && has_avx2() && !simd_at_most("avx2");
}
#endif

}  // namespace svr3d
