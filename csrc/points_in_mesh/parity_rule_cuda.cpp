// SPDX-License-Identifier: Apache-2.0
#include "../common/cuda_binding.h"
#include "parity_rule_launch.h"

namespace svr3d {
namespace {

template <typename T, typename I>
void run(const Tensor& vertices, const Tensor& faces, const Tensor& points,
         Tensor& inside) {
  const CudaScope scope(points);
  Tensor box = new_tensor(points, {6}, points.scalar_type());
  bool* out = inside.mutable_data_ptr<bool>();
  cudaMemsetAsync(out, 0, points.size(0) * sizeof(bool), scope.stream());
  launch_points_in_mesh_parity(
      vertices.const_data_ptr<T>(), vertices.size(0), faces.const_data_ptr<I>(),
      faces.size(0), points.const_data_ptr<T>(), points.size(0),
      box.mutable_data_ptr<T>(), out, scope.stream());
  check_launch("points_in_mesh_parity");
}

// The Python function has checked the faces, which lie on the device here.
Tensor points_in_mesh_parity_cuda(Tensor vertices, Tensor faces, Tensor points) {
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  Tensor inside = new_tensor(points, {points.size(0)}, ScalarType::Bool);
  const bool single = points.scalar_type() == ScalarType::Float;
  const bool narrow = faces.scalar_type() == ScalarType::Int;
  const auto kernel = single ? (narrow ? run<float, int32_t> : run<float, int64_t>)
                             : (narrow ? run<double, int32_t> : run<double, int64_t>);
  kernel(vertices, faces, points, inside);
  return inside;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("points_in_mesh_parity", TORCH_BOX(&svr3d::points_in_mesh_parity_cuda));
}
