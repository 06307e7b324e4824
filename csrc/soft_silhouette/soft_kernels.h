// SPDX-License-Identifier: Apache-2.0
// The two hot loops of soft silhouettes, as each instruction set offers them.
#pragma once

#include <cstdint>

#include "../common/macros.h"

namespace svr3d {

template <typename T>
struct SoftScene {
  const T* vertices;     // (B, V, 2)
  const int64_t* faces;  // (B or 1, F, 3)
  int64_t num_vertices, face_stride;
  int64_t height, width;        // pixels
  int64_t tile_rows, tile_columns;
  const T *x, *y;  // (tiles, 16) centres of each lane of a tile column, tile row
  T slope, radius, limit;  // 1 / sigma; farthest distance outside; its square
  T half_x, half_y;        // from a tile's first pixel centre to its middle
  T reach;                 // length of that, plus the radius
};

template <typename T>
struct SoftKernels {
  // Multiplies 1 + E of the first `count` faces into tile rows [first, last).
  void (*cover)(const SoftScene<T>& scene, int64_t image, int64_t count, int64_t first,
                int64_t last, T* product);
  // Writes the gradient (x, y of three corners) of the faces [first, last); `pull`
  // holds -T dL/dT in tiles, `busy` tells which tiles hold anything but zeros.
  void (*pull)(const SoftScene<T>& scene, int64_t image, int64_t first, int64_t last,
               const T* pull, const uint8_t* busy, T* out);
};

namespace soft_portable {
SoftKernels<float> kernels(float);
SoftKernels<double> kernels(double);
}  // namespace soft_portable
#if SVR3D_X86
namespace soft_avx2 {
SoftKernels<float> kernels(float);
SoftKernels<double> kernels(double);
}  // namespace soft_avx2
namespace soft_avx512 {
SoftKernels<float> kernels(float);
SoftKernels<double> kernels(double);
}  // namespace soft_avx512
#endif

}  // namespace svr3d
