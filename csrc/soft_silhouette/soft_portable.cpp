// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>

#define SVR3D_ISA soft_portable
#define SVR3D_VECTOR_BYTES 16
#include "soft_loops.h"
