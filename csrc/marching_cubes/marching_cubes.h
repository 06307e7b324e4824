// SPDX-License-Identifier: Apache-2.0
// Arithmetic of marching cubes on bits: one word holds 64 corners along z.
#pragma once

#include <cstdint>

#include "../common/macros.h"

namespace svr3d {

SVR3D_HD int64_t bits_in(uint64_t word) {
#if defined(__GNUC__)
  return __builtin_popcountll(word);
#else
  int64_t count = 0;
  for (; word; word &= word - 1) ++count;
  return count;
#endif
}

// Position of the lowest bit; the word must not be zero.
SVR3D_HD int lowest_bit(uint64_t word) {
#if defined(__GNUC__)
  return __builtin_ctzll(word);
#else
  return static_cast<int>(bits_in((word & (~word + 1)) - 1));
#endif
}

// The first `count` bits of a word, which may be none or all.
SVR3D_HD uint64_t low_bits(int64_t count) {
  return count >= 64 ? ~uint64_t(0)
                     : (count <= 0 ? 0 : (uint64_t(1) << count) - 1);
}

// The corners above (z + 1) those of a word.
SVR3D_HD uint64_t shifted(const uint64_t* row, int64_t word, int64_t words) {
  return row[word] >> 1 | (word + 1 < words ? row[word + 1] << 63 : 0);
}

// Where between two corners the level lies, as a share of their distance; infinite
// values leave the middle.
template <typename T>
SVR3D_HD T crossing(T from, T to, T level) {
  const T share = (level - from) / (to - from);
  return share >= 0 && share <= 1 ? share : T(0.5);
}

// The four rows of corners around a row of cells, one word of each, and their case
// numbers. Order of the rows: (x, y), (x+1, y), (x+1, y+1), (x, y+1).
struct CellWord {
  uint64_t low[4], next[4];
  uint64_t active;  // cells that the surface passes through

  SVR3D_HD void load(const uint64_t* const* rows, int64_t word, int64_t words,
                     uint64_t valid) {
    uint64_t any = 0, all = ~uint64_t(0);
    for (int k = 0; k < 4; ++k) {
      low[k] = rows[k][word];
      next[k] = shifted(rows[k], word, words);
      any |= low[k] | next[k];
      all &= low[k] & next[k];
    }
    active = any & ~all & valid;
  }

  SVR3D_HD int case_at(int z) const {
    int number = 0;
    for (int k = 0; k < 4; ++k) {
      number |= static_cast<int>(low[k] >> z & 1) << k;
      number |= static_cast<int>(next[k] >> z & 1) << (k + 4);
    }
    return number;
  }
};

}  // namespace svr3d
