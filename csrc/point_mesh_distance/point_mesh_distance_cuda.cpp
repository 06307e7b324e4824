// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "../common/cuda_binding.h"
#include "point_mesh_distance.h"
#include "point_mesh_distance_launch.h"

namespace svr3d {
namespace {

using Outputs = std::tuple<Tensor, Tensor>;

// The Python function has checked the faces, which lie on the device here.
Outputs point_mesh_distance_cuda(Tensor points, Tensor vertices, Tensor faces) {
  points = torch::stable::contiguous(points);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  const int64_t count = points.size(0), num_faces = faces.size(0);
  STD_TORCH_CHECK(num_faces > 0 || count == 0, "faces must hold at least one face");
  Tensor nearest = new_tensor(points, {count}, ScalarType::Long);
  Tensor weights = new_tensor(points, {count, 3}, ScalarType::Double);
  Tensor scratch = new_tensor(points, {num_faces, kFaceNumbers}, ScalarType::Double);
  const CudaScope scope(points);
  launch_point_mesh_distance(
      points.const_data_ptr<double>(), count, vertices.const_data_ptr<double>(),
      faces.const_data_ptr<int64_t>(), num_faces, scratch.mutable_data_ptr<double>(),
      nearest.mutable_data_ptr<int64_t>(), weights.mutable_data_ptr<double>(),
      scope.stream());
  check_launch("point_mesh_distance");
  return {nearest, weights};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("point_mesh_distance", TORCH_BOX(&svr3d::point_mesh_distance_cuda));
}
