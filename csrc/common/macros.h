// SPDX-License-Identifier: Apache-2.0
// Markers for functions that host and device kernels share.
#pragma once

#if defined(__CUDACC__)
#define SVR3D_HD __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define SVR3D_HD inline __attribute__((always_inline))
#else
#define SVR3D_HD inline
#endif

// The hot host loops are compiled once per instruction set and chosen when the
// library is loaded, so that one portable build is fast everywhere. Contraction
// to fused multiply-add is off (setup.py), hence all clones give equal results.
// The loader resolves clones through ifunc, which only glibc offers.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    defined(__linux__) && !defined(SVR3D_NO_CLONES)
#ifdef SVR3D_NO_AVX512  // to measure on this processor what another one would do
#define SVR3D_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SVR3D_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define SVR3D_CLONES
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define SVR3D_VECTORIZE _Pragma("GCC ivdep")
#elif defined(__clang__)
#define SVR3D_VECTORIZE _Pragma("clang loop vectorize(enable)")
#else
#define SVR3D_VECTORIZE
#endif

// Whether files for single x86 instruction sets are compiled.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define SVR3D_X86 1
#else
#define SVR3D_X86 0
#endif
