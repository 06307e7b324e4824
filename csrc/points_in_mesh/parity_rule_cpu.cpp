// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "count_crossings.h"

namespace svr3d {
namespace {

template <typename T, typename I>
void run(const Tensor& vertices, const Tensor& faces, const Tensor& points,
         bool* inside) {
  const int64_t count = points.size(0);
  const MeshArrays<T, I> mesh(vertices, faces);
  const T* point = points.const_data_ptr<T>();
  STD_TORCH_CHECK(all_finite(point, 3 * count), "points must be finite");
  std::vector<int32_t> crossings(count);
  count_crossings(mesh, point, count, crossings.data());
  for (int64_t i = 0; i < count; ++i) inside[i] = crossings[i] & 1;
}

Tensor points_in_mesh_parity(Tensor vertices, Tensor faces, Tensor points) {
  const bool narrow = faces.scalar_type() == ScalarType::Int;
  const bool single = points.scalar_type() == ScalarType::Float;
  const ScalarType type = single ? ScalarType::Float : ScalarType::Double;
  check_tensor(vertices, "vertices", type, {-1, 3});
  check_tensor(points, "points", type, {-1, 3});
  check_tensor(faces, "faces", narrow ? ScalarType::Int : ScalarType::Long, {-1, 3});
  STD_TORCH_CHECK(points.size(0) < INT32_MAX / 2,
                  "points must fit 32-bit indices");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  Tensor out = new_tensor(points, {points.size(0)}, ScalarType::Bool);
  const auto kernel = single ? (narrow ? run<float, int32_t> : run<float, int64_t>)
                             : (narrow ? run<double, int32_t> : run<double, int64_t>);
  kernel(vertices, faces, points, out.mutable_data_ptr<bool>());
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "points_in_mesh_parity(Tensor vertices, Tensor faces, Tensor points) "
      "-> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("points_in_mesh_parity", TORCH_BOX(&svr3d::points_in_mesh_parity));
}
