// SPDX-License-Identifier: Apache-2.0
// What a file includes before it compiles code over lanes.h once per instruction set.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

// Other compilers and processors get the portable path alone.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define SVR3D_X86_LANES 1
#include <immintrin.h>
// GCC 12 takes the deliberately undefined operands inside its intrinsics for errors.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace svr3d {

enum class LaneSet { kPortable, kAvx2, kAvx512 };

// The best set that this processor runs; SVR3D_CPU_LANES=portable or avx2 in the
// environment asks for a lesser one, to test its path on a better processor.
LaneSet lane_set();

}  // namespace svr3d
