// SPDX-License-Identifier: Apache-2.0
// Rows of a volume as bits, 64 values per word.
#pragma once

#include <cstdint>

namespace svr3d {

// Sets bit i of `words` where values[i] does not exceed the level; NaN does not. Bits
// beyond `count` are zero.
template <typename T>
void pack_low(const T* values, int64_t count, T level, uint64_t* words);

}  // namespace svr3d
