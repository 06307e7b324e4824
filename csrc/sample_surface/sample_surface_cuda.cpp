// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "../common/cuda_binding.h"
#include "sample_surface_launch.h"

namespace svr3d {
namespace {

template <typename T>
MeshBatch<T> mesh_batch(const Tensor& vertices, const Tensor& faces) {
  return {vertices.const_data_ptr<T>(),
          faces.const_data_ptr<int64_t>(),
          nullptr,
          nullptr,
          vertices.size(0),
          vertices.size(1),
          faces.size(1),
          faces.size(0) == 1 ? 0 : 3 * faces.size(1)};
}

using Outputs = std::tuple<Tensor, Tensor, Tensor, Tensor>;

// The Python function has checked indices and lengths, which lie on the device here.
Outputs sample_surface_cuda(Tensor vertices, Tensor faces, Tensor lengths, Tensor seeds,
                            int64_t count) {
  for (Tensor* tensor : {&vertices, &faces, &lengths, &seeds})
    *tensor = torch::stable::contiguous(*tensor);
  const int64_t batch = vertices.size(0);
  const ScalarType type = vertices.scalar_type();
  Tensor sums = new_tensor(vertices, {batch, faces.size(1)}, ScalarType::Double);
  Tensor points = new_tensor(vertices, {batch, count, 3}, type);
  Tensor normals = new_tensor(vertices, {batch, count, 3}, type);
  Tensor index = new_tensor(vertices, {batch, count}, ScalarType::Long);
  Tensor weights = new_tensor(vertices, {batch, count, 3}, type);
  const CudaScope scope(vertices);
  const auto launch = [&](auto zero) {
    using T = decltype(zero);
    MeshBatch<T> meshes = mesh_batch<T>(vertices, faces);
    meshes.lengths = lengths.const_data_ptr<int64_t>();
    meshes.seeds = seeds.const_data_ptr<int64_t>();
    launch_sample_surface(
        meshes, count, sums.mutable_data_ptr<double>(), points.mutable_data_ptr<T>(),
        normals.mutable_data_ptr<T>(), index.mutable_data_ptr<int64_t>(),
        weights.mutable_data_ptr<T>(), scope.stream());
  };
  if (type == ScalarType::Double)
    launch(double());
  else
    launch(float());
  check_launch("sample_surface");
  return {points, normals, index, weights};
}

Tensor sample_surface_backward_cuda(Tensor point_gradient, Tensor normal_gradient,
                                    Tensor vertices, Tensor faces, Tensor face_index,
                                    Tensor barycentric) {
  for (Tensor* tensor : {&point_gradient, &normal_gradient, &vertices, &faces,
                         &face_index, &barycentric})
    *tensor = torch::stable::contiguous(*tensor);
  const ScalarType type = vertices.scalar_type();
  Tensor out = new_tensor(vertices, {vertices.size(0), vertices.size(1), 3}, type);
  torch::stable::zero_(out);
  const CudaScope scope(vertices);
  const auto launch = [&](auto zero) {
    using T = decltype(zero);
    launch_sample_surface_backward(
        mesh_batch<T>(vertices, faces), face_index.size(1),
        point_gradient.const_data_ptr<T>(), normal_gradient.const_data_ptr<T>(),
        face_index.const_data_ptr<int64_t>(), barycentric.const_data_ptr<T>(),
        out.mutable_data_ptr<T>(), scope.stream());
  };
  if (type == ScalarType::Double)
    launch(double());
  else
    launch(float());
  check_launch("sample_surface_backward");
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("sample_surface", TORCH_BOX(&svr3d::sample_surface_cuda));
  m.impl("sample_surface_backward", TORCH_BOX(&svr3d::sample_surface_backward_cuda));
}
