// SPDX-License-Identifier: Apache-2.0
// An exponential for numbers and for vectors, equal on all of them.
#pragma once

#include <cstdint>

#include "simd.h"

namespace svr3d {

// 2^n from 1.5 * 2^23 + n (1.5 * 2^52 + n): the low bits hold the whole number n.
SVR3D_HD float power_of_two(float biased) {
  uint32_t bits;
  __builtin_memcpy(&bits, &biased, sizeof(bits));
  bits = (bits << 23) + 0x3f800000u;
  __builtin_memcpy(&biased, &bits, sizeof(bits));
  return biased;
}

SVR3D_HD double power_of_two(double biased) {
  uint64_t bits;
  __builtin_memcpy(&bits, &biased, sizeof(bits));
  bits = (bits << 52) + 0x3ff0000000000000u;
  __builtin_memcpy(&biased, &bits, sizeof(bits));
  return biased;
}

#if defined(__GNUC__) && !defined(__CUDACC__)
template <typename V>
SVR3D_HD V power_of_two(const V& biased) {
  if constexpr (sizeof(biased[0]) == 4) {
    typedef uint32_t Bits __attribute__((vector_size(sizeof(V))));
    return (V)(((Bits)biased << 23) + 0x3f800000u);
  } else {
    typedef uint64_t Bits __attribute__((vector_size(sizeof(V))));
    return (V)(((Bits)biased << 52) + 0x3ff0000000000000u);
  }
}
#endif

// exp(x) for x between -87 and 88; relative error below 2e-7. The second argument
// only names the precision.
template <typename V>
SVR3D_HD V bounded_exp(const V& x, float) {
  const V biased = x * 1.44269504f + 12582912.0f;
  const V n = biased - 12582912.0f;
  const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  V p = r * (1.0f / 720) + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * power_of_two(biased);
}

// exp(x) for x between -700 and 700; relative error below 1e-15.
template <typename V>
SVR3D_HD V bounded_exp(const V& x, double) {
  const V biased = x * 1.4426950408889634 + 6755399441055744.0;
  const V n = biased - 6755399441055744.0;
  const V r = (x - n * 0.693145751953125) - n * 1.42860682030941723212e-6;
  V p = r * (1.0 / 6227020800) + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * power_of_two(biased);
}

}  // namespace svr3d
