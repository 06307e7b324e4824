// SPDX-License-Identifier: Apache-2.0
// Vectors of a given number of bytes, as the compiler offers them, and the few words
// that let the same template run on vectors and on single numbers.
//
// A hot loop stands in a header that one small file per instruction set includes,
// after "#pragma GCC target" and with SVR3D_VECTOR_BYTES set. Everything such a header
// calls must be inlined (SVR3D_HD), so that no code of one instruction set is shared
// with another; standard headers come before the pragma for the same reason.
#pragma once

#include <cstdint>

#include "macros.h"

namespace svr3d {

#if defined(__GNUC__) && !defined(__CUDACC__)
template <typename T, int Bytes>
struct Simd;
template <int Bytes>
struct Simd<float, Bytes> {
  typedef float Value __attribute__((vector_size(Bytes)));
  typedef int32_t Mask __attribute__((vector_size(Bytes)));
  typedef uint32_t Bits __attribute__((vector_size(Bytes)));
  static constexpr int lanes = Bytes / 4;
};
template <int Bytes>
struct Simd<double, Bytes> {
  typedef double Value __attribute__((vector_size(Bytes)));
  typedef int64_t Mask __attribute__((vector_size(Bytes)));
  typedef uint64_t Bits __attribute__((vector_size(Bytes)));
  static constexpr int lanes = Bytes / 8;
};
#else  // one lane
template <typename T, int Bytes>
struct Simd {
  typedef T Value;
  typedef bool Mask;
  static constexpr int lanes = 1;
};
#endif

// What a value compares to, and the type of its lanes.
template <typename V>
using MaskOf = decltype(V() < V());

SVR3D_HD float select(bool m, float a, float b) { return m ? a : b; }
SVR3D_HD double select(bool m, double a, double b) { return m ? a : b; }
#if defined(__GNUC__) && !defined(__CUDACC__)
template <typename M, typename V>
SVR3D_HD V select(const M& m, const V& a, const V& b) {
  return m ? a : b;
}
#endif

// A vector that holds `value` in every lane.
template <typename V, typename T>
SVR3D_HD V all(T value) {
  return V{} + value;
}

template <typename V, typename T>
SVR3D_HD V load(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(V));
  return v;
}

template <typename V, typename T>
SVR3D_HD void store(T* p, const V& v) {
  __builtin_memcpy(p, &v, sizeof(V));
}

}  // namespace svr3d
