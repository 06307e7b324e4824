// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "../common/tensor.h"
#include "scan.h"

namespace svr3d {
namespace {

// Writes one view's hits; pixels without a hit get -1, 0 and zeros.
void write_fragments(const HitBuffer& hits,
                     const std::vector<RasterTriangle>& triangles, int64_t* face,
                     float* depth, float* barycentric) {
  const int64_t area = int64_t(hits.height) * hits.width;
  std::fill_n(face, area, -1);
  std::fill_n(depth, area, 0.0f);
  std::fill_n(barycentric, 3 * area, 0.0f);
  for (int y = hits.y0; y < hits.y1; ++y) {
    for (int x = hits.x0; x < hits.x1; ++x) {
      const int64_t from = int64_t(y) * hits.stride + x;
      if (!(hits.closeness[from] > 0)) continue;
      const int64_t to = int64_t(y) * hits.width + x;
      const RasterTriangle& t = triangles[hits.slot[from]];
      double b[3];
      for (int c = 0; c < 3; ++c)
        b[c] = t.a[c] * (x + 0.5) + (t.b[c] * (y + 0.5) + t.c[c]);
      const double z = 1 / (b[0] + b[1] + b[2]);
      face[to] = t.face;
      depth[to] = static_cast<float>(z);
      for (int c = 0; c < 3; ++c)
        barycentric[3 * to + c] = static_cast<float>(b[c] * z);
    }
  }
}

using Fragments = std::tuple<Tensor, Tensor, Tensor>;

// One row of `meshes`: where a mesh begins in the packed vertices and faces.
struct MeshSpan {
  int64_t vertex_start, vertex_count, face_start, face_count;
};

void check_views(const Tensor& extrinsics, const Tensor& intrinsics, int64_t height,
                 int64_t width, double near, double far) {
  check_tensor(extrinsics, "extrinsics", ScalarType::Double, {-1, 3, 4});
  check_tensor(intrinsics, "intrinsics", ScalarType::Double,
               {extrinsics.size(0), 3, 3});
  STD_TORCH_CHECK(height > 0 && width > 0 && height < (1 << 24) && width < (1 << 24),
                  "height and width must be positive, found ", height, " and ",
                  width);
  STD_TORCH_CHECK(near > 0 && far > near, "near and far must hold 0 < near < far");
}

// Draws view i of the mesh that mesh_of(i) names.
template <typename MeshOf>
Fragments draw(const Tensor& vertices, const Tensor& faces, const MeshOf& mesh_of,
               Tensor extrinsics, Tensor intrinsics, int64_t height, int64_t width,
               double near, double far, bool cull_backfaces) {
  extrinsics = torch::stable::contiguous(extrinsics);
  intrinsics = torch::stable::contiguous(intrinsics);
  const int64_t views = extrinsics.size(0), area = height * width;
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
  torch::stable::parallel_for(0, views, 1, [&](int64_t begin, int64_t end) {
    HitBuffer hits;
    ViewVertices corners;
    std::vector<RasterTriangle> triangles;
    for (int64_t view = begin; view < end; ++view) {
      const MeshSpan mesh = mesh_of(view);
      hits.reset(static_cast<int>(height), static_cast<int>(width));
      rasterize_view(
          load_camera(extrinsic_data + 12 * view, intrinsic_data + 9 * view),
          vertex_data + 3 * mesh.vertex_start, mesh.vertex_count,
          face_data + 3 * mesh.face_start, mesh.face_count, near, far, cull_backfaces,
          nullptr, corners, triangles, hits);
      write_fragments(hits, triangles, face_out + area * view,
                      depth_out + area * view, barycentric_out + 3 * area * view);
    }
  });
  return {face_index, depth, barycentric};
}

Fragments rasterize_meshes(Tensor vertices, Tensor faces, Tensor extrinsics,
                           Tensor intrinsics, int64_t height, int64_t width,
                           double near, double far, bool cull_backfaces) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_views(extrinsics, intrinsics, height, width, near, far);
  STD_TORCH_CHECK(faces.size(0) < INT32_MAX, "faces must be fewer than 2^31");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  check_faces(faces, vertices.size(0));
  const MeshSpan whole = {0, vertices.size(0), 0, faces.size(0)};
  return draw(
      vertices, faces, [&](int64_t) { return whole; }, extrinsics, intrinsics, height,
      width, near, far, cull_backfaces);
}

// Meshes packed one after the other; faces index the vertices of their own mesh.
Fragments rasterize_mesh_batch(Tensor vertices, Tensor faces, Tensor meshes,
                               Tensor mesh_index, Tensor extrinsics, Tensor intrinsics,
                               int64_t height, int64_t width, double near, double far,
                               bool cull_backfaces) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_tensor(meshes, "meshes", ScalarType::Long, {-1, 4});
  check_tensor(mesh_index, "mesh_index", ScalarType::Long, {extrinsics.size(0)});
  check_views(extrinsics, intrinsics, height, width, near, far);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  meshes = torch::stable::contiguous(meshes);
  mesh_index = torch::stable::contiguous(mesh_index);
  const int64_t* rows = meshes.const_data_ptr<int64_t>();
  const int64_t* corner = faces.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < meshes.size(0); ++i) {
    const MeshSpan m = {rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3]};
    STD_TORCH_CHECK(m.vertex_start >= 0 && m.vertex_count >= 0 && m.face_start >= 0 &&
                        m.face_count >= 0 && m.face_count < INT32_MAX &&
                        m.vertex_start <= vertices.size(0) - m.vertex_count &&
                        m.face_start <= faces.size(0) - m.face_count,
                    "meshes must name ranges of vertices and faces");
    for (int64_t k = 3 * m.face_start; k < 3 * (m.face_start + m.face_count); ++k)
      STD_TORCH_CHECK(corner[k] >= 0 && corner[k] < m.vertex_count,
                      "faces must index vertices 0 to ", m.vertex_count - 1,
                      " of their mesh, found ", corner[k]);
  }
  const int64_t* chosen = mesh_index.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < extrinsics.size(0); ++i)
    STD_TORCH_CHECK(chosen[i] >= 0 && chosen[i] < meshes.size(0),
                    "mesh_index must name a mesh, found ", chosen[i]);
  const auto mesh_of = [&](int64_t view) {
    const int64_t* row = rows + 4 * chosen[view];
    return MeshSpan{row[0], row[1], row[2], row[3]};
  };
  return draw(vertices, faces, mesh_of, extrinsics, intrinsics, height, width, near,
              far, cull_backfaces);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "rasterize_mesh_batch(Tensor vertices, Tensor faces, Tensor meshes, "
      "Tensor mesh_index, Tensor extrinsics, Tensor intrinsics, SymInt height, "
      "SymInt width, float near, float far, bool cull_backfaces) "
      "-> (Tensor face_index, Tensor depth, Tensor barycentric)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("rasterize_meshes", TORCH_BOX(&svr3d::rasterize_meshes));
  m.impl("rasterize_mesh_batch", TORCH_BOX(&svr3d::rasterize_mesh_batch));
}
