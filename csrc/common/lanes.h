// SPDX-License-Identifier: Apache-2.0
// Vectors of 64 bytes, for loops that compilers do not vectorise by themselves.
//
// Deliberately without include guard: a source file may include this several times,
// each time inside a namespace of its own and under another `#pragma GCC target`, and
// gets vectors of that instruction set (see lanes_per_set.h). All sets round alike.
// SVR3D_LANE_BYTES names the widest register of the set: 64, 32 or 16. (Compilers
// define __AVX512F__ and the like only by flags, not by the pragma.)

template <typename T>
struct Lanes;

#if SVR3D_LANE_BYTES == 64

template <>
struct Lanes<float> {
  using Value = __m512;
  using Index = __m512i;
  using Mask = __mmask16;
  static Value splat(float v) { return _mm512_set1_ps(v); }
  static Index splat_index(int32_t v) { return _mm512_set1_epi32(v); }
  static Value load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Value v) { _mm512_storeu_ps(p, v); }
  static void store_index(int32_t* p, Index v) { _mm512_storeu_si512(p, v); }
  static Index load_index(const int32_t* p) { return _mm512_loadu_si512(p); }
  static Mask less(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static Mask equal(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static Mask less_index(Index a, Index b) { return _mm512_cmplt_epi32_mask(a, b); }
  static Index add(Index a, Index b) { return _mm512_add_epi32(a, b); }
  static Value pick(Mask m, Value a, Value b) { return _mm512_mask_mov_ps(b, m, a); }
  static Index pick(Mask m, Index a, Index b) { return _mm512_mask_mov_epi32(b, m, a); }
  static Value larger(Value a, Value b) { return _mm512_max_ps(a, b); }
  static Value smaller(Value a, Value b) { return _mm512_min_ps(a, b); }
  static uint32_t bits(Mask m) { return m; }
  static float highest(Value v) { return _mm512_reduce_max_ps(v); }
};

template <>
struct Lanes<double> {
  using Value = __m512d;
  using Index = __m512i;
  using Mask = __mmask8;
  static Value splat(double v) { return _mm512_set1_pd(v); }
  static Index splat_index(int32_t v) { return _mm512_set1_epi64(v); }
  static Value load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, Value v) { _mm512_storeu_pd(p, v); }
  static void store_index(int32_t* p, Index v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi64_epi32(v));
  }
  static Index load_index(const int32_t* p) {
    return _mm512_cvtepi32_epi64(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Mask less(Value a, Value b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static Mask equal(Value a, Value b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  static Mask less_index(Index a, Index b) { return _mm512_cmplt_epi64_mask(a, b); }
  static Index add(Index a, Index b) { return _mm512_add_epi64(a, b); }
  static Value pick(Mask m, Value a, Value b) { return _mm512_mask_mov_pd(b, m, a); }
  static Index pick(Mask m, Index a, Index b) { return _mm512_mask_mov_epi64(b, m, a); }
  static Value larger(Value a, Value b) { return _mm512_max_pd(a, b); }
  static Value smaller(Value a, Value b) { return _mm512_min_pd(a, b); }
  static uint32_t bits(Mask m) { return m; }
  static double highest(Value v) { return _mm512_reduce_max_pd(v); }
};

#else

// Parts are registers of the compiler's vector extension, or plain numbers.
#ifdef __GNUC__
template <typename T>
struct PartOf;
// Loose is the same in memory, at any address: compilers copy large objects in pieces,
// which cost a stall each when they are read as a whole.
template <>
struct PartOf<float> {
  typedef float Type __attribute__((vector_size(SVR3D_LANE_BYTES)));
  typedef Type Loose __attribute__((aligned(4), may_alias));
};
template <>
struct PartOf<double> {
  typedef double Type __attribute__((vector_size(SVR3D_LANE_BYTES)));
  typedef Type Loose __attribute__((aligned(8), may_alias));
};
#else
template <typename T>
struct PartOf {
  typedef T Type;
  typedef T Loose;
};
#endif

template <typename Part>
struct Pack {
  static constexpr int kParts = 64 / sizeof(Part);
  Part part[kParts];
};

// Applies an expression of part number i to all parts.
#define SVR3D_PARTS(Result, expression)                             \
  Result out;                                                       \
  for (int i = 0; i < Result::kParts; ++i) out.part[i] = expression; \
  return out

template <typename Part>
inline Pack<Part> operator+(const Pack<Part>& a, const Pack<Part>& b) {
  SVR3D_PARTS(Pack<Part>, a.part[i] + b.part[i]);
}
template <typename Part>
inline Pack<Part> operator-(const Pack<Part>& a, const Pack<Part>& b) {
  SVR3D_PARTS(Pack<Part>, a.part[i] - b.part[i]);
}
template <typename Part>
inline Pack<Part> operator*(const Pack<Part>& a, const Pack<Part>& b) {
  SVR3D_PARTS(Pack<Part>, a.part[i] * b.part[i]);
}
template <typename Part>
inline Pack<Part> operator|(const Pack<Part>& a, const Pack<Part>& b) {
  SVR3D_PARTS(Pack<Part>, a.part[i] | b.part[i]);
}
template <typename Part>
inline Pack<Part> operator&(const Pack<Part>& a, const Pack<Part>& b) {
  SVR3D_PARTS(Pack<Part>, a.part[i] & b.part[i]);
}

template <typename Part>
inline Part larger_part(const Part& a, const Part& b) {
  return a > b ? a : b;
}
template <typename Part>
inline Part smaller_part(const Part& a, const Part& b) {
  return a < b ? a : b;
}
#if SVR3D_LANE_BYTES == 32  // compilers make a comparison and a blend of the above
inline PartOf<float>::Type larger_part(PartOf<float>::Type a, PartOf<float>::Type b) {
  return _mm256_max_ps(a, b);
}
inline PartOf<float>::Type smaller_part(PartOf<float>::Type a, PartOf<float>::Type b) {
  return _mm256_min_ps(a, b);
}
inline PartOf<double>::Type larger_part(PartOf<double>::Type a,
                                        PartOf<double>::Type b) {
  return _mm256_max_pd(a, b);
}
inline PartOf<double>::Type smaller_part(PartOf<double>::Type a,
                                         PartOf<double>::Type b) {
  return _mm256_min_pd(a, b);
}
#endif

template <typename T>
struct Lanes {
  static constexpr int kWidth = 64 / sizeof(T);
  using Part = typename PartOf<T>::Type;
  using Loose = typename PartOf<T>::Loose;
  using Value = Pack<Part>;
#ifdef __GNUC__
  using Flags = decltype(Part{} < Part{});
#else
  using Flags = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;
#endif
  using Index = Pack<Flags>;
  using Mask = Pack<Flags>;
  using Int = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;

  static Value splat(T v) { SVR3D_PARTS(Value, Part{} + v); }
  static Index splat_index(int32_t v) {
    SVR3D_PARTS(Index, Flags{} + static_cast<Int>(v));
  }
  static Value load(const T* p) {
    SVR3D_PARTS(Value, reinterpret_cast<const Loose*>(p)[i]);
  }
  static void store(T* p, const Value& v) {
    for (int i = 0; i < Value::kParts; ++i) reinterpret_cast<Loose*>(p)[i] = v.part[i];
  }
  static void store_index(int32_t* p, const Index& v) {
    Int lane[kWidth];
    std::memcpy(lane, &v, sizeof v);
    for (int i = 0; i < kWidth; ++i) p[i] = static_cast<int32_t>(lane[i]);
  }
  static Index load_index(const int32_t* p) {
    Int lane[kWidth];
    for (int i = 0; i < kWidth; ++i) lane[i] = p[i];
    Index v;
    std::memcpy(&v, lane, sizeof v);
    return v;
  }
  static Mask less(const Value& a, const Value& b) {
    SVR3D_PARTS(Mask, a.part[i] < b.part[i]);
  }
  static Mask equal(const Value& a, const Value& b) {
    SVR3D_PARTS(Mask, a.part[i] == b.part[i]);
  }
  static Mask less_index(const Index& a, const Index& b) {
    SVR3D_PARTS(Mask, a.part[i] < b.part[i]);
  }
  static Index add(const Index& a, const Index& b) { return a + b; }
  template <typename Any>
  static Pack<Any> pick(const Mask& m, const Pack<Any>& a, const Pack<Any>& b) {
    SVR3D_PARTS(Pack<Any>, m.part[i] ? a.part[i] : b.part[i]);
  }
  static Value larger(const Value& a, const Value& b) {
    SVR3D_PARTS(Value, larger_part(a.part[i], b.part[i]));
  }
  static Value smaller(const Value& a, const Value& b) {
    SVR3D_PARTS(Value, smaller_part(a.part[i], b.part[i]));
  }
  static uint32_t bits(const Mask& m) {
    uint32_t found = 0;
#if SVR3D_LANE_BYTES == 32
    for (int i = 0; i < 2; ++i) {
      if (sizeof(T) == 4)
        found |= static_cast<uint32_t>(
                     _mm256_movemask_ps(reinterpret_cast<__m256>(m.part[i])))
                 << (8 * i);
      else
        found |= static_cast<uint32_t>(
                     _mm256_movemask_pd(reinterpret_cast<__m256d>(m.part[i])))
                 << (4 * i);
    }
#else
    Int lane[kWidth];
    std::memcpy(lane, &m, sizeof m);
    for (int i = 0; i < kWidth; ++i) found |= (lane[i] != 0 ? 1u : 0u) << i;
#endif
    return found;
  }
  static T highest(const Value& v) {
    T lane[kWidth];
    std::memcpy(lane, &v, sizeof v);
    T top = lane[0];
    for (int i = 1; i < kWidth; ++i) top = lane[i] > top ? lane[i] : top;
    return top;
  }
};
#undef SVR3D_PARTS

#endif
