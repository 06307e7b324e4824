// SPDX-License-Identifier: Apache-2.0
#include "../common/cuda_binding.h"
#include "match_points_launch.h"

namespace svr3d {
namespace {

// The Python function has checked and normalised the clouds.
Tensor match_points_cuda(Tensor x, Tensor y, Tensor lengths, double tolerance,
                         bool squared) {
  STD_TORCH_CHECK(x.scalar_type() == ScalarType::Float &&
                      y.scalar_type() == ScalarType::Float,
                  "x and y must have dtype Float");
  x = torch::stable::contiguous(x);
  y = torch::stable::contiguous(y);
  lengths = torch::stable::contiguous(lengths);
  const int64_t batch = x.size(0), n = x.size(1);
  Tensor prices = new_tensor(x, {batch, n}, ScalarType::Float);
  Tensor owners = new_tensor(x, {batch, n}, ScalarType::Int);
  Tensor queue = new_tensor(x, {batch, n}, ScalarType::Int);
  Tensor matches = new_tensor(x, {batch, n}, ScalarType::Long);
  const CudaScope scope(x);
  launch_match_points(x.const_data_ptr<float>(), y.const_data_ptr<float>(),
                      lengths.const_data_ptr<int64_t>(), batch, n, tolerance, squared,
                      prices.mutable_data_ptr<float>(),
                      owners.mutable_data_ptr<int32_t>(),
                      queue.mutable_data_ptr<int32_t>(),
                      matches.mutable_data_ptr<int64_t>(), scope.stream());
  check_launch("match_points");
  return matches;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("match_points", TORCH_BOX(&svr3d::match_points_cuda));
}
