// SPDX-License-Identifier: Apache-2.0
// Forward one thread per pixel, backward one per face and one per vertex: every sum has
// one owner and a fixed order, so that results repeat bit for bit.
#include "../common/cuda_launch.h"
#include "../common/tiles.h"
#include "soft_silhouette.h"
#include "soft_silhouette_launch.h"

namespace svr3d {
namespace {

template <typename T>
__global__ void setup_kernel(SoftBatch<T> given, SoftTriangle<T>* triangles) {
  SVR3D_GRID_LOOP(i, given.batch * given.num_faces) {
    const int64_t image = i / given.num_faces, face = i % given.num_faces;
    if (face >= given.lengths[image]) continue;
    const int64_t* corner = given.faces + image * given.face_stride + 3 * face;
    const T* base = given.vertices + 2 * given.num_vertices * image;
    setup_soft_triangle(base + 2 * corner[0], base + 2 * corner[1],
                        base + 2 * corner[2], T(given.radius), triangles[i]);
  }
}

template <typename T>
__global__ void cover_kernel(SoftBatch<T> given, const SoftTriangle<T>* triangles,
                             T* out) {
  const int64_t area = given.height * given.width;
  const T slope = T(1 / given.sigma), limit = T(given.radius * given.radius);
  SVR3D_GRID_LOOP(i, given.batch * area) {
    const int64_t image = i / area;
    const T x = pixel_centre<T>(i % given.width, given.width);
    const T y = -pixel_centre<T>(i % area / given.width, given.height);
    const SoftTriangle<T>* own = triangles + image * given.num_faces;
    T product = 1;
    for (int64_t f = 0; f < given.lengths[image]; ++f) {
      const SoftTriangle<T>& t = own[f];
      if (x < t.box[0] || x > t.box[1] || y < t.box[2] || y > t.box[3]) continue;
      SoftPixel<T> p;
      soft_pixel<false>(t, x, y, p);
      T sign;
      product *= soft_exponential(t, p, slope, limit, sign) + T(1);
    }
    out[i] = 1 / product;
  }
}

template <typename T>
__global__ void pull_kernel(SoftBatch<T> given, const SoftTriangle<T>* triangles,
                            const T* grad, const T* free, T* corners) {
  const int64_t area = given.height * given.width;
  const T slope = T(1 / given.sigma), limit = T(given.radius * given.radius);
  SVR3D_GRID_LOOP(i, given.batch * given.num_faces) {
    const int64_t image = i / given.num_faces;
    T sum[6] = {0, 0, 0, 0, 0, 0};
    if (i % given.num_faces < given.lengths[image]) {
      const SoftTriangle<T> t = triangles[i];
      const T half_x = T(given.width) / 2, half_y = T(given.height) / 2;
      const TileRange columns =
          tile_range((t.box[0] + 1) * half_x - T(0.5), (t.box[1] + 1) * half_x - T(0.5),
                     tiles_along(given.width));
      const TileRange rows =
          tile_range((1 - t.box[3]) * half_y - T(0.5), (1 - t.box[2]) * half_y - T(0.5),
                     tiles_along(given.height));
      for (int64_t r = rows.begin * kTileSide;
           r < rows.end * kTileSide && r < given.height; ++r)
        for (int64_t c = columns.begin * kTileSide;
             c < columns.end * kTileSide && c < given.width; ++c) {
          const int64_t at = image * area + r * given.width + c;
          const T pull = -grad[at] * free[at];
          if (pull == 0) continue;
          SoftPixel<T> p;
          soft_pixel<true>(t, pixel_centre<T>(c, given.width),
                           -pixel_centre<T>(r, given.height), p);
          add_soft_gradient(t, p, slope, limit, pull, sum);
        }
      for (int k = 2; k < 4 && t.swapped; ++k) {
        const T kept = sum[k];
        sum[k] = sum[k + 2];
        sum[k + 2] = kept;
      }
    }
    for (int k = 0; k < 6; ++k) corners[6 * i + k] = sum[k];
  }
}

// Each vertex looks for itself among all corners of its mesh.
template <typename T>
__global__ void gather_kernel(SoftBatch<T> given, const T* corners, T* out) {
  SVR3D_GRID_LOOP(i, given.batch * given.num_vertices) {
    const int64_t image = i / given.num_vertices, vertex = i % given.num_vertices;
    const int64_t* corner = given.faces + image * given.face_stride;
    const T* own = corners + 6 * given.num_faces * image;
    T x = 0, y = 0;
    for (int64_t k = 0; k < 3 * given.lengths[image]; ++k)
      if (corner[k] == vertex) {
        x += own[2 * k];
        y += own[2 * k + 1];
      }
    out[2 * i] = x;
    out[2 * i + 1] = y;
  }
}

template <typename T>
SoftTriangle<T>* setup(const SoftBatch<T>& given, void* scratch, cudaStream_t stream) {
  SoftTriangle<T>* triangles = static_cast<SoftTriangle<T>*>(scratch);
  const int64_t count = given.batch * given.num_faces;
  if (count)
    setup_kernel<<<blocks_for(count), kThreads, 0, stream>>>(given, triangles);
  return triangles;
}

}  // namespace

template <typename T>
int64_t soft_scratch_bytes(const SoftBatch<T>& given) {
  return given.batch * given.num_faces * sizeof(SoftTriangle<T>);
}

template <typename T>
void launch_soft_silhouette(const SoftBatch<T>& given, void* scratch, T* out,
                            cudaStream_t stream) {
  const int64_t count = given.batch * given.height * given.width;
  if (count == 0) return;
  const SoftTriangle<T>* triangles = setup(given, scratch, stream);
  cover_kernel<<<blocks_for(count), kThreads, 0, stream>>>(given, triangles, out);
}

template <typename T>
void launch_soft_silhouette_backward(const SoftBatch<T>& given, const T* grad,
                                     const T* free, void* scratch, T* corners, T* out,
                                     cudaStream_t stream) {
  const int64_t faces = given.batch * given.num_faces;
  const int64_t vertices = given.batch * given.num_vertices;
  const SoftTriangle<T>* triangles = setup(given, scratch, stream);
  if (faces)
    pull_kernel<<<blocks_for(faces), kThreads, 0, stream>>>(given, triangles, grad, free,
                                                            corners);
  if (vertices)
    gather_kernel<<<blocks_for(vertices), kThreads, 0, stream>>>(given, corners, out);
}

#define SVR3D_INSTANTIATE(T)                                                         \
  template int64_t soft_scratch_bytes(const SoftBatch<T>&);                          \
  template void launch_soft_silhouette(const SoftBatch<T>&, void*, T*, cudaStream_t); \
  template void launch_soft_silhouette_backward(const SoftBatch<T>&, const T*,       \
                                                const T*, void*, T*, T*, cudaStream_t);
SVR3D_INSTANTIATE(float)
SVR3D_INSTANTIATE(double)

}  // namespace svr3d
