// SPDX-License-Identifier: Apache-2.0
#include "point_mesh_distance.h"

#include <tuple>
#include <vector>

#include "../common/packets.h"
#include "../common/tensor.h"
#include "face_index.h"

namespace svr3d {
namespace {

using Outputs = std::tuple<Tensor, Tensor>;

// The Python function has moved and scaled all coordinates into [-1, 1].
Outputs point_mesh_distance(Tensor points, Tensor vertices, Tensor faces) {
  check_tensor(points, "points", ScalarType::Double, {-1, 3});
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  const int64_t count = points.size(0), num_faces = faces.size(0);
  STD_TORCH_CHECK(num_faces > 0 || count == 0, "faces must hold at least one face");
  STD_TORCH_CHECK(num_faces < INT32_MAX / 4 && count < INT32_MAX,
                  "faces and points must fit 32-bit indices");
  points = torch::stable::contiguous(points);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  check_faces(faces, vertices.size(0));
  Tensor nearest = new_tensor(points, {count}, ScalarType::Long);
  Tensor weights = new_tensor(points, {count, 3}, ScalarType::Double);
  if (count == 0) return {nearest, weights};
  const double* point = points.const_data_ptr<double>();
  const double* vertex = vertices.const_data_ptr<double>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  int64_t* found = nearest.mutable_data_ptr<int64_t>();
  double* weight = weights.mutable_data_ptr<double>();
  const FaceIndex index(vertex, face, num_faces);
  const std::vector<int32_t> order = morton_order(point, count);
  torch::stable::parallel_for(0, count, 256, [&](int64_t begin, int64_t end) {
    search_faces(index, point, order.data(), begin, end, found);
    for (int64_t n = begin; n < end; ++n) {
      const int64_t i = order[n];
      const FaceRecord record = face_record(vertex, face + 3 * found[i]);
      write_weights(nearest_on_face(record, load3(point + 3 * i)), weight + 3 * i);
    }
  });
  return {nearest, weights};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "point_mesh_distance(Tensor points, Tensor vertices, Tensor faces) "
      "-> (Tensor face_index, Tensor barycentric)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("point_mesh_distance", TORCH_BOX(&svr3d::point_mesh_distance));
}
