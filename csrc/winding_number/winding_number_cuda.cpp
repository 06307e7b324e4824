// SPDX-License-Identifier: Apache-2.0
#include "../common/cuda_binding.h"
#include "winding_number_launch.h"

namespace svr3d {
namespace {

// Always exact: the device is fast enough to sum every face. The Python function has
// checked the faces, which lie on the device here.
Tensor winding_number_cuda(Tensor vertices, Tensor faces, Tensor points, double,
                           bool) {
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  Tensor out = new_tensor(points, {points.size(0)}, ScalarType::Double);
  const CudaScope scope(points);
  launch_winding_number(vertices.const_data_ptr<double>(),
                        faces.const_data_ptr<int64_t>(), faces.size(0),
                        points.const_data_ptr<double>(), points.size(0),
                        out.mutable_data_ptr<double>(), scope.stream());
  check_launch("winding_number");
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("winding_number", TORCH_BOX(&svr3d::winding_number_cuda));
}
