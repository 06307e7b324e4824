// SPDX-License-Identifier: Apache-2.0
#include "sign_bits.h"

#include "../common/instruction_set.h"
#include "../common/macros.h"

#if SVR3D_X86
#include <immintrin.h>
#endif

namespace svr3d {
namespace {

template <typename T>
uint64_t pack_word(const T* values, int64_t count, T level) {
  uint64_t word = 0;
  for (int64_t i = 0; i < count; ++i)
    word |= static_cast<uint64_t>(!(values[i] > level)) << i;
  return word;
}

#if SVR3D_X86

__attribute__((target("avx512f"))) uint64_t pack_avx512(const float* values,
                                                        float level) {
  const __m512 limit = _mm512_set1_ps(level);
  uint64_t word = 0;
  for (int k = 0; k < 4; ++k) {
    const __m512 v = _mm512_loadu_ps(values + 16 * k);
    word |= static_cast<uint64_t>(_mm512_cmp_ps_mask(v, limit, _CMP_NGT_UQ))
            << (16 * k);
  }
  return word;
}

__attribute__((target("avx512f"))) uint64_t pack_avx512(const double* values,
                                                        double level) {
  const __m512d limit = _mm512_set1_pd(level);
  uint64_t word = 0;
  for (int k = 0; k < 8; ++k) {
    const __m512d v = _mm512_loadu_pd(values + 8 * k);
    word |= static_cast<uint64_t>(_mm512_cmp_pd_mask(v, limit, _CMP_NGT_UQ))
            << (8 * k);
  }
  return word;
}

__attribute__((target("avx2"))) uint64_t pack_avx2(const float* values, float level) {
  const __m256 limit = _mm256_set1_ps(level);
  uint64_t word = 0;
  for (int k = 0; k < 8; ++k) {
    const __m256 low = _mm256_cmp_ps(_mm256_loadu_ps(values + 8 * k), limit,
                                     _CMP_NGT_UQ);
    word |= static_cast<uint64_t>(_mm256_movemask_ps(low)) << (8 * k);
  }
  return word;
}

__attribute__((target("avx2"))) uint64_t pack_avx2(const double* values,
                                                   double level) {
  const __m256d limit = _mm256_set1_pd(level);
  uint64_t word = 0;
  for (int k = 0; k < 16; ++k) {
    const __m256d low = _mm256_cmp_pd(_mm256_loadu_pd(values + 4 * k), limit,
                                      _CMP_NGT_UQ);
    word |= static_cast<uint64_t>(_mm256_movemask_pd(low)) << (4 * k);
  }
  return word;
}

#endif

}  // namespace

template <typename T>
void pack_low(const T* values, int64_t count, T level, uint64_t* words) {
  int64_t i = 0;
#if SVR3D_X86
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::kAvx512)
    for (; i + 64 <= count; i += 64) words[i / 64] = pack_avx512(values + i, level);
  else if (set == InstructionSet::kAvx2)
    for (; i + 64 <= count; i += 64) words[i / 64] = pack_avx2(values + i, level);
#endif
  for (; i < count; i += 64)
    words[i / 64] = pack_word(values + i, count - i < 64 ? count - i : 64, level);
}

template void pack_low(const float*, int64_t, float, uint64_t*);
template void pack_low(const double*, int64_t, double, uint64_t*);

}  // namespace svr3d
