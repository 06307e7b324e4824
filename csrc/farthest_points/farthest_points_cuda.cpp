// SPDX-License-Identifier: Apache-2.0
#include "../common/cuda_binding.h"
#include "farthest_points_launch.h"

namespace svr3d {
namespace {

template <typename T>
void run(const Tensor& points, const Tensor& lengths, int64_t count, int64_t start,
         Tensor& nearest, Tensor& indices) {
  const CudaScope scope(points);
  launch_farthest_points(points.const_data_ptr<T>(), lengths.const_data_ptr<int64_t>(),
                         points.size(0), points.size(1), count, start,
                         nearest.mutable_data_ptr<T>(),
                         indices.mutable_data_ptr<int64_t>(), scope.stream());
  check_launch("farthest_points");
}

// The Python function has checked lengths and start, which lie on the device here.
Tensor farthest_points_cuda(Tensor points, Tensor lengths, int64_t count,
                            int64_t start) {
  points = torch::stable::contiguous(points);
  lengths = torch::stable::contiguous(lengths);
  const int64_t batch = points.size(0);
  Tensor nearest = new_tensor(points, {batch, points.size(1)}, points.scalar_type());
  Tensor indices = new_tensor(points, {batch, count}, ScalarType::Long);
  if (points.scalar_type() == ScalarType::Double)
    run<double>(points, lengths, count, start, nearest, indices);
  else
    run<float>(points, lengths, count, start, nearest, indices);
  return indices;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("farthest_points", TORCH_BOX(&svr3d::farthest_points_cuda));
}
