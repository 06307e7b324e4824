// SPDX-License-Identifier: Apache-2.0
// The hot loops; one file per instruction set includes this (see common/simd.h).
#include "../common/tiles.h"
#include "soft_kernels.h"
#include "soft_silhouette.h"

namespace svr3d {
namespace SVR3D_ISA {
namespace {

template <typename T>
SVR3D_HD void setup(const SoftScene<T>& scene, int64_t image, int64_t face,
                    SoftTriangle<T>& out) {
  const int64_t* corner = scene.faces + image * scene.face_stride + 3 * face;
  const T* base = scene.vertices + 2 * scene.num_vertices * image;
  setup_soft_triangle(base + 2 * corner[0], base + 2 * corner[1], base + 2 * corner[2],
                      scene.radius, out);
}

template <typename T>
SVR3D_HD TileRange tile_columns(const SoftScene<T>& scene, const SoftTriangle<T>& t) {
  const T half = T(scene.width) / 2;
  return tile_range((t.box[0] + 1) * half - T(0.5), (t.box[1] + 1) * half - T(0.5),
                    scene.tile_columns);
}

template <typename T>
SVR3D_HD TileRange tile_rows(const SoftScene<T>& scene, const SoftTriangle<T>& t) {
  const T half = T(scene.height) / 2;
  return tile_range((1 - t.box[3]) * half - T(0.5), (1 - t.box[2]) * half - T(0.5),
                    scene.tile_rows);
}

template <typename T>
void cover(const SoftScene<T>& scene, int64_t image, int64_t count, int64_t first,
           int64_t last, T* product) {
  using V = typename Simd<T, SVR3D_VECTOR_BYTES>::Value;
  constexpr int step = Simd<T, SVR3D_VECTOR_BYTES>::lanes;
  SoftTriangle<T> t;
  for (int64_t f = 0; f < count; ++f) {
    setup(scene, image, f, t);
    const TileRange rows = tile_rows(scene, t), columns = tile_columns(scene, t);
    const int64_t begin = rows.begin > first ? rows.begin : first;
    const int64_t end = rows.end < last ? rows.end : last;
    for (int64_t ty = begin; ty < end; ++ty) {
      const T* y = scene.y + ty * kTileLanes;
      for (int64_t tx = columns.begin; tx < columns.end; ++tx) {
        const T* x = scene.x + tx * kTileLanes;
        if (out_of_sight(t, x[0] + scene.half_x, y[0] - scene.half_y, scene.reach))
          continue;
        T* tile = product + (ty * scene.tile_columns + tx) * kTileLanes;
        for (int lane = 0; lane < kTileLanes; lane += step) {
          SoftPixel<V> p;
          soft_pixel<false>(t, load<V>(x + lane), load<V>(y + lane), p);
          V sign;
          const V e = soft_exponential(t, p, scene.slope, scene.limit, sign);
          store(tile + lane, load<V>(tile + lane) * (e + T(1)));
        }
      }
    }
  }
}

template <typename T>
void pull(const SoftScene<T>& scene, int64_t image, int64_t first, int64_t last,
          const T* pulls, const uint8_t* busy, T* out) {
  using V = typename Simd<T, SVR3D_VECTOR_BYTES>::Value;
  constexpr int step = Simd<T, SVR3D_VECTOR_BYTES>::lanes;
  SoftTriangle<T> t;
  for (int64_t f = first; f < last; ++f) {
    setup(scene, image, f, t);
    const TileRange rows = tile_rows(scene, t), columns = tile_columns(scene, t);
    V sums[kTileLanes / step][6] = {};
    for (int64_t ty = rows.begin; ty < rows.end; ++ty) {
      const T* y = scene.y + ty * kTileLanes;
      for (int64_t tx = columns.begin; tx < columns.end; ++tx) {
        const int64_t index = ty * scene.tile_columns + tx;
        const T* x = scene.x + tx * kTileLanes;
        if (!busy[index] ||
            out_of_sight(t, x[0] + scene.half_x, y[0] - scene.half_y, scene.reach))
          continue;
        const T* tile = pulls + index * kTileLanes;
        for (int lane = 0; lane < kTileLanes; lane += step) {
          SoftPixel<V> p;
          soft_pixel<true>(t, load<V>(x + lane), load<V>(y + lane), p);
          add_soft_gradient(t, p, scene.slope, scene.limit, load<V>(tile + lane),
                            sums[lane / step]);
        }
      }
    }
    // Lane by lane, so that every vector width sums in the same order.
    for (int k = 0; k < 6; ++k) {
      T total = 0;
      for (int part = 0; part < kTileLanes / step; ++part) {
        T lanes[step];
        store(lanes, sums[part][k]);
        for (int lane = 0; lane < step; ++lane) total += lanes[lane];
      }
      const int corner = t.swapped && k >= 2 ? (k < 4 ? k + 2 : k - 2) : k;
      out[6 * f + corner] = total;
    }
  }
}

}  // namespace

SoftKernels<float> kernels(float) { return {cover<float>, pull<float>}; }
SoftKernels<double> kernels(double) { return {cover<double>, pull<double>}; }

}  // namespace SVR3D_ISA
}  // namespace svr3d
