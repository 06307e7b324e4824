// SPDX-License-Identifier: Apache-2.0
#include "../common/cuda_binding.h"
#include "voxelize_surface_launch.h"

namespace svr3d {
namespace {

// The Python function has checked the faces, which lie on the device here.
Tensor voxelize_surface_cuda(Tensor vertices, Tensor faces, int64_t resolution) {
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  Tensor grid = new_tensor(vertices, {resolution, resolution, resolution},
                           ScalarType::Byte);
  const CudaScope scope(vertices);
  uint8_t* cells = grid.mutable_data_ptr<uint8_t>();
  cudaMemsetAsync(cells, 0, resolution * resolution * resolution, scope.stream());
  launch_voxelize_surface(vertices.const_data_ptr<double>(),
                          faces.const_data_ptr<int64_t>(), faces.size(0),
                          static_cast<int>(resolution), cells, scope.stream());
  check_launch("voxelize_surface");
  return grid;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("voxelize_surface", TORCH_BOX(&svr3d::voxelize_surface_cuda));
}
