// SPDX-License-Identifier: Apache-2.0
// One thread per face and view, which offers its closeness to the pixels that it covers;
// the largest offer wins, whatever the order, so that results repeat bit for bit.
#include "../common/cuda_launch.h"
#include "rasterize_meshes.h"
#include "rasterize_meshes_launch.h"

namespace svr3d {
namespace {

__device__ bool setup_face(const RasterBatch& given, int64_t view, int64_t face,
                           RasterTriangle& out) {
  const int64_t* span = given.spans + 4 * given.mesh_index[view];
  if (face >= span[3]) return false;
  RasterCamera camera;
  const double* e = given.extrinsics + 12 * view;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) camera.r[3 * i + j] = e[4 * i + j];
    camera.t[i] = e[4 * i + 3];
  }
  for (int i = 0; i < 9; ++i) camera.k[i] = given.intrinsics[9 * view + i];
  const int64_t* corner = given.faces + 3 * (span[2] + face);
  Vec3<double> p[3];
  for (int i = 0; i < 3; ++i)
    p[i] = to_pixel_space(camera, load3(given.vertices + 3 * (span[0] + corner[i])));
  if (!pixel_box(p, static_cast<int>(given.height), static_cast<int>(given.width),
                 given.near, given.far, out) ||
      !setup_planes(p, out))
    return false;
  return !(given.cull_backfaces && out.back);
}

// The closer, the larger; of equals, the lower face.
__device__ unsigned long long key_of(float closeness, int64_t face) {
  return static_cast<unsigned long long>(__float_as_uint(closeness)) << 32 |
         (0xffffffffu - static_cast<uint32_t>(face));
}

__global__ void offer_kernel(RasterBatch given, unsigned long long* keys) {
  const float nearest = static_cast<float>(1 / given.near);
  const float farthest = static_cast<float>(1 / given.far);
  SVR3D_GRID_LOOP(i, given.views * given.most_faces) {
    const int64_t view = i / given.most_faces, face = i % given.most_faces;
    RasterTriangle t;
    if (!setup_face(given, view, face, t)) continue;
    for (int y = t.y0; y < t.y1; ++y) {
      int begin = t.x0, end = t.x1;
      double row[3];
      for (int k = 0; k < 3; ++k) {
        row[k] = t.b[k] * (y + 0.5) + t.c[k];
        clip_span(t.a[k], row[k], begin, end);
      }
      for (int x = begin; x < end; ++x) {
        double b[3];
        for (int k = 0; k < 3; ++k) b[k] = t.a[k] * (x + 0.5) + row[k];
        const float w = static_cast<float>(b[0] + b[1] + b[2]);
        if (!(b[0] >= 0 && b[1] >= 0 && b[2] >= 0 && w > 0 && w <= nearest &&
              w >= farthest))
          continue;
        atomicMax(keys + (view * given.height + y) * given.width + x, key_of(w, face));
      }
    }
  }
}

__global__ void write_kernel(RasterBatch given, const unsigned long long* keys,
                             int64_t* faces, float* depth, float* barycentric) {
  const int64_t area = given.height * given.width;
  SVR3D_GRID_LOOP(i, given.views * area) {
    faces[i] = -1;
    depth[i] = 0;
    for (int k = 0; k < 3; ++k) barycentric[3 * i + k] = 0;
    if (keys[i] == 0) continue;
    const int64_t face = 0xffffffffu - static_cast<uint32_t>(keys[i]);
    RasterTriangle t;
    if (!setup_face(given, i / area, face, t)) continue;
    const double x = static_cast<double>(i % given.width) + 0.5;
    const double y = static_cast<double>(i % area / given.width) + 0.5;
    double b[3];
    for (int k = 0; k < 3; ++k) b[k] = t.a[k] * x + (t.b[k] * y + t.c[k]);
    const double z = 1 / (b[0] + b[1] + b[2]);
    faces[i] = face;
    depth[i] = static_cast<float>(z);
    for (int k = 0; k < 3; ++k) barycentric[3 * i + k] = static_cast<float>(b[k] * z);
  }
}

}  // namespace

void launch_rasterize_meshes(const RasterBatch& given, uint64_t* keys, int64_t* face,
                             float* depth, float* barycentric, cudaStream_t stream) {
  const int64_t pixels = given.views * given.height * given.width;
  const int64_t faces = given.views * given.most_faces;
  if (pixels == 0) return;
  auto* offers = reinterpret_cast<unsigned long long*>(keys);
  cudaMemsetAsync(offers, 0, pixels * sizeof(*offers), stream);
  if (faces)
    offer_kernel<<<blocks_for(faces), kThreads, 0, stream>>>(given, offers);
  write_kernel<<<blocks_for(pixels), kThreads, 0, stream>>>(given, offers, face, depth,
                                                            barycentric);
}

}  // namespace svr3d
