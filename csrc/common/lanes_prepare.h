// SPDX-License-Identifier: Apache-2.0
// What a file includes, outside of all namespaces, before lanes_per_set.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "instruction_set.h"
#include "macros.h"

#if SVR3D_X86
#include <immintrin.h>
// GCC 12 takes the deliberately undefined operands inside its intrinsics for errors.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
