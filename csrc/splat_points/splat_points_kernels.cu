// SPDX-License-Identifier: Apache-2.0
// Forward one thread per pixel, which asks every point of its cloud; backward one per
// point, over its window. Every sum has one owner and a fixed order, so that results
// repeat bit for bit.
#include "../common/cuda_launch.h"
#include "splat_points.h"
#include "splat_points_launch.h"

namespace svr3d {
namespace {

template <typename T>
__global__ void silhouettes_kernel(SplatBatch<T> given, T sharpness, T reach, T* out) {
  const int64_t area = given.height * given.width;
  SVR3D_GRID_LOOP(i, given.batch * area) {
    const int64_t image = i / area, row = i % area / given.width;
    const int64_t column = i % given.width;
    const T* cloud = given.points + 3 * given.count * image;
    T sum = 0;
    for (int64_t p = 0; p < given.lengths[image]; ++p) {
      const T u = cloud[3 * p] - T(row), v = cloud[3 * p + 1] - T(column);
      if (!(u * u <= reach * reach && v * v <= reach * reach)) continue;
      sum += gaussian(u, sharpness) * gaussian(v, sharpness);
    }
    out[i] = tanh(sum);
  }
}

template <typename T>
__global__ void silhouettes_backward_kernel(SplatBatch<T> given, const T* grad,
                                            const T* result, T sharpness, T reach,
                                            T* out) {
  const int64_t area = given.height * given.width;
  SVR3D_GRID_LOOP(i, given.batch * given.count) {
    const int64_t image = i / given.count;
    T du = 0, dv = 0;
    if (i % given.count < given.lengths[image]) {
      const T u = given.points[3 * i], v = given.points[3 * i + 1];
      const PixelWindow rows = window_of(u, reach, given.height);
      const PixelWindow columns = window_of(v, reach, given.width);
      for (int64_t r = rows.begin; r < rows.end; ++r)
        for (int64_t c = columns.begin; c < columns.end; ++c) {
          const int64_t at = image * area + r * given.width + c;
          const T a = u - T(r), b = v - T(c);
          const T pull = grad[at] * (1 - result[at] * result[at]) *
                         gaussian(a, sharpness) * gaussian(b, sharpness);
          du -= pull * a;
          dv -= pull * b;
        }
    }
    out[3 * i] = 2 * sharpness * du;
    out[3 * i + 1] = 2 * sharpness * dv;
    out[3 * i + 2] = 0;
  }
}

template <typename T>
__device__ bool sees(const T* point, int64_t row, int64_t column, T well) {
  return drawn(point[2]) && in_well(point[0], row, well) &&
         in_well(point[1], column, well);
}

template <typename T>
__global__ void features_kernel(SplatBatch<T> given, const T* features, int64_t size,
                                T well, T beta, T* images, T* stats) {
  const int64_t area = given.height * given.width;
  SVR3D_GRID_LOOP(i, given.batch * area) {
    const int64_t image = i / area, row = i % area / given.width;
    const int64_t column = i % given.width, length = given.lengths[image];
    const T* cloud = given.points + 3 * given.count * image;
    const T* own = features + size * given.count * image;
    T* pixel = images + i * size;
    T largest = 0, sum = 0;
    int64_t seen = 0;
    for (int64_t p = 0; p < length; ++p) {
      if (!sees(cloud + 3 * p, row, column, well)) continue;
      const T mine = claim(cloud[3 * p + 2] + 1, beta);
      largest = mine > largest ? mine : largest;
      ++seen;
    }
    for (int64_t k = 0; k < size; ++k) pixel[k] = 0;
    for (int64_t p = 0; p < length; ++p) {
      if (!sees(cloud + 3 * p, row, column, well)) continue;
      const T e = small_exp(claim(cloud[3 * p + 2] + 1, beta) - largest);
      sum += e;
      for (int64_t k = 0; k < size; ++k) pixel[k] += e * own[p * size + k];
    }
    const T inverse = inverse_mass(sum, largest, seen, length, beta);
    for (int64_t k = 0; k < size; ++k) pixel[k] *= inverse;
    stats[2 * i] = largest;
    stats[2 * i + 1] = inverse;
  }
}

template <typename T>
__global__ void features_backward_kernel(SplatBatch<T> given, const T* grad,
                                         const T* images, const T* stats,
                                         const T* features, int64_t size, T well,
                                         T beta, T* points, T* slopes) {
  const int64_t area = given.height * given.width;
  SVR3D_GRID_LOOP(i, given.batch * given.count) {
    const int64_t image = i / given.count;
    const T* point = given.points + 3 * i;
    T dz = 0;
    for (int64_t k = 0; k < size; ++k) slopes[i * size + k] = 0;
    if (i % given.count < given.lengths[image] && drawn(point[2])) {
      const PixelWindow rows = window_of(point[0], well, given.height);
      const PixelWindow columns = window_of(point[1], well, given.width);
      const T mine = claim(point[2] + 1, beta);
      for (int64_t r = rows.begin; r < rows.end; ++r)
        for (int64_t c = columns.begin; c < columns.end; ++c) {
          if (!sees(point, r, c, well)) continue;
          const int64_t at = image * area + r * given.width + c;
          const T share = small_exp(mine - stats[2 * at]) * stats[2 * at + 1];
          T gain = 0, mean = 0;
          for (int64_t k = 0; k < size; ++k) {
            const T pull = grad[at * size + k];
            slopes[i * size + k] += share * pull;
            gain += pull * features[i * size + k];
            mean += pull * images[at * size + k];
          }
          dz += depth_slope(point[2], beta, share, gain, mean);
        }
    }
    points[3 * i] = points[3 * i + 1] = 0;
    points[3 * i + 2] = dz;
  }
}

}  // namespace

template <typename T>
void launch_splat_silhouettes(const SplatBatch<T>& given, double sharpness,
                              double reach, T* out, cudaStream_t stream) {
  const int64_t count = given.batch * given.height * given.width;
  if (count == 0) return;
  silhouettes_kernel<<<blocks_for(count), kThreads, 0, stream>>>(given, T(sharpness),
                                                                 T(reach), out);
}

template <typename T>
void launch_splat_silhouettes_backward(const SplatBatch<T>& given, const T* grad,
                                       const T* result, double sharpness, double reach,
                                       T* out, cudaStream_t stream) {
  const int64_t count = given.batch * given.count;
  if (count == 0) return;
  silhouettes_backward_kernel<<<blocks_for(count), kThreads, 0, stream>>>(
      given, grad, result, T(sharpness), T(reach), out);
}

template <typename T>
void launch_splat_features(const SplatBatch<T>& given, const T* features, int64_t size,
                           double well, double beta, T* image, T* stats,
                           cudaStream_t stream) {
  const int64_t count = given.batch * given.height * given.width;
  if (count == 0) return;
  features_kernel<<<blocks_for(count), kThreads, 0, stream>>>(
      given, features, size, T(well), T(beta), image, stats);
}

template <typename T>
void launch_splat_features_backward(const SplatBatch<T>& given, const T* grad,
                                    const T* image, const T* stats, const T* features,
                                    int64_t size, double well, double beta, T* points,
                                    T* slopes, cudaStream_t stream) {
  const int64_t count = given.batch * given.count;
  if (count == 0) return;
  features_backward_kernel<<<blocks_for(count), kThreads, 0, stream>>>(
      given, grad, image, stats, features, size, T(well), T(beta), points, slopes);
}

#define SVR3D_INSTANTIATE(T)                                                            \
  template void launch_splat_silhouettes(const SplatBatch<T>&, double, double, T*,      \
                                         cudaStream_t);                                 \
  template void launch_splat_silhouettes_backward(const SplatBatch<T>&, const T*,       \
                                                  const T*, double, double, T*,         \
                                                  cudaStream_t);                        \
  template void launch_splat_features(const SplatBatch<T>&, const T*, int64_t, double,  \
                                      double, T*, T*, cudaStream_t);                    \
  template void launch_splat_features_backward(const SplatBatch<T>&, const T*,          \
                                               const T*, const T*, const T*, int64_t,   \
                                               double, double, T*, T*, cudaStream_t);
SVR3D_INSTANTIATE(float)
SVR3D_INSTANTIATE(double)

}  // namespace svr3d
