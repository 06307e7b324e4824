// SPDX-License-Identifier: Apache-2.0
// Which instruction set the hot loops use that are compiled once per set.
#pragma once

namespace svr3d {

enum class InstructionSet { kPortable, kAvx2, kAvx512 };

// The best set that this processor runs and the build has. SVR3D_SIMD=portable or avx2
// in the environment asks for a lesser one, to test or measure its path.
InstructionSet instruction_set();

}  // namespace svr3d
