// SPDX-License-Identifier: Apache-2.0
// The Python function has checked indices, which lie on the device here.
#include <tuple>

#include "../common/cuda_binding.h"
#include "rasterize_meshes_launch.h"

namespace svr3d {
namespace {

using Fragments = std::tuple<Tensor, Tensor, Tensor>;

// No mesh has more faces than the pack; threads beyond a mesh's own have no work.
Fragments rasterize_mesh_batch_cuda(Tensor vertices, Tensor faces, Tensor meshes,
                                    Tensor mesh_index, Tensor extrinsics,
                                    Tensor intrinsics, int64_t height, int64_t width,
                                    double near, double far, bool cull_backfaces) {
  for (Tensor* tensor :
       {&vertices, &faces, &meshes, &mesh_index, &extrinsics, &intrinsics})
    *tensor = torch::stable::contiguous(*tensor);
  const CudaScope scope(vertices);
  const int64_t views = extrinsics.size(0);
  const std::initializer_list<int64_t> shape = {views, height, width};
  Tensor face_index = new_tensor(vertices, shape, ScalarType::Long);
  Tensor depth = new_tensor(vertices, shape, ScalarType::Float);
  Tensor barycentric =
      new_tensor(vertices, {views, height, width, 3}, ScalarType::Float);
  Tensor keys = new_tensor(vertices, shape, ScalarType::Long);
  RasterBatch given;
  given.vertices = vertices.const_data_ptr<double>();
  given.faces = faces.const_data_ptr<int64_t>();
  given.spans = meshes.const_data_ptr<int64_t>();
  given.mesh_index = mesh_index.const_data_ptr<int64_t>();
  given.extrinsics = extrinsics.const_data_ptr<double>();
  given.intrinsics = intrinsics.const_data_ptr<double>();
  given.views = views;
  given.most_faces = faces.size(0);
  given.height = height;
  given.width = width;
  given.near = near;
  given.far = far;
  given.cull_backfaces = cull_backfaces;
  launch_rasterize_meshes(given,
                          reinterpret_cast<uint64_t*>(keys.mutable_data_ptr<int64_t>()),
                          face_index.mutable_data_ptr<int64_t>(),
                          depth.mutable_data_ptr<float>(),
                          barycentric.mutable_data_ptr<float>(), scope.stream());
  check_launch("rasterize_mesh_batch");
  return {face_index, depth, barycentric};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("rasterize_mesh_batch", TORCH_BOX(&svr3d::rasterize_mesh_batch_cuda));
}
