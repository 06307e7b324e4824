// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>

#include "../common/macros.h"

#if SVR3D_X86
#pragma GCC target("avx2")
#define SVR3D_ISA soft_avx2
#define SVR3D_VECTOR_BYTES 32
#include "soft_loops.h"
#endif
