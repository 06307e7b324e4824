// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "../common/tensor.h"
#include "scan.h"

namespace svr3d {
namespace {

// Writes one view's hits; pixels without a hit get -1, 0 and zeros.
void write_fragments(const HitBuffer& hits,
                     const std::vector<RasterTriangle>& triangles, int64_t* face,
                     float* depth, float* barycentric) {
  for (int y = 0; y < hits.height; ++y) {
    for (int x = 0; x < hits.width; ++x) {
      const int64_t i = int64_t(y) * hits.width + x;
      float* weights = barycentric + 3 * i;
      if (!(hits.closeness[i] > 0)) {
        face[i] = -1;
        depth[i] = weights[0] = weights[1] = weights[2] = 0;
        continue;
      }
      face[i] = hits.face[i];
      const RasterTriangle& t = triangles[hits.face[i]];
      double b[3];
      for (int c = 0; c < 3; ++c)
        b[c] = t.a[c] * (x + 0.5) + (t.b[c] * (y + 0.5) + t.c[c]);
      const double z = 1 / (b[0] + b[1] + b[2]);
      depth[i] = static_cast<float>(z);
      for (int c = 0; c < 3; ++c) weights[c] = static_cast<float>(b[c] * z);
    }
  }
}

std::tuple<Tensor, Tensor, Tensor> rasterize_meshes(
    Tensor vertices, Tensor faces, Tensor extrinsics, Tensor intrinsics,
    int64_t height, int64_t width, double near, double far, bool cull_backfaces) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_tensor(extrinsics, "extrinsics", ScalarType::Double, {-1, 3, 4});
  const int64_t views = extrinsics.size(0);
  check_tensor(intrinsics, "intrinsics", ScalarType::Double, {views, 3, 3});
  STD_TORCH_CHECK(height > 0 && width > 0 && height < (1 << 24) && width < (1 << 24),
                  "height and width must be positive, found ", height, " and ",
                  width);
  STD_TORCH_CHECK(near > 0 && far > near, "near and far must hold 0 < near < far");
  STD_TORCH_CHECK(faces.size(0) < INT32_MAX, "faces must be fewer than 2^31");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  extrinsics = torch::stable::contiguous(extrinsics);
  intrinsics = torch::stable::contiguous(intrinsics);
  check_faces(faces, vertices.size(0));

  Tensor face_index = new_tensor(vertices, {views, height, width}, ScalarType::Long);
  Tensor depth = new_tensor(vertices, {views, height, width}, ScalarType::Float);
  Tensor barycentric =
      new_tensor(vertices, {views, height, width, 3}, ScalarType::Float);
  const double* vertex_data = vertices.const_data_ptr<double>();
  const int64_t* face_data = faces.const_data_ptr<int64_t>();
  const double* extrinsic_data = extrinsics.const_data_ptr<double>();
  const double* intrinsic_data = intrinsics.const_data_ptr<double>();
  int64_t* face_out = face_index.mutable_data_ptr<int64_t>();
  float* depth_out = depth.mutable_data_ptr<float>();
  float* barycentric_out = barycentric.mutable_data_ptr<float>();
  const int64_t num_vertices = vertices.size(0), num_faces = faces.size(0);
  const int64_t area = height * width;
  torch::stable::parallel_for(0, views, 1, [&](int64_t begin, int64_t end) {
    HitBuffer hits;
    std::vector<Vec3<double>> pixels;
    std::vector<RasterTriangle> triangles;
    for (int64_t view = begin; view < end; ++view) {
      hits.reset(static_cast<int>(height), static_cast<int>(width));
      rasterize_view(
          load_camera(extrinsic_data + 12 * view, intrinsic_data + 9 * view),
          vertex_data, num_vertices, face_data, num_faces, near, far,
          cull_backfaces, nullptr, pixels, triangles, hits);
      write_fragments(hits, triangles, face_out + area * view,
                      depth_out + area * view, barycentric_out + 3 * area * view);
    }
  });
  return {face_index, depth, barycentric};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("rasterize_meshes", TORCH_BOX(&svr3d::rasterize_meshes));
}
