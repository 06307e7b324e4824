// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "../common/cuda_binding.h"
#include "nearest_neighbors_launch.h"

namespace svr3d {
namespace {

using Found = std::tuple<Tensor, Tensor>;
using FoundBoth = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Tensor packed(const Tensor& tensor) { return torch::stable::contiguous(tensor); }

template <typename T>
void run(const Tensor& queries, const Tensor& points, const Tensor& query_lengths,
         const Tensor& point_lengths, int64_t k, Tensor& distances, Tensor& indices) {
  const CudaScope scope(queries);
  launch_nearest_neighbors(
      queries.const_data_ptr<T>(), points.const_data_ptr<T>(),
      query_lengths.const_data_ptr<int64_t>(), point_lengths.const_data_ptr<int64_t>(),
      queries.size(0), queries.size(1), points.size(1), k,
      distances.mutable_data_ptr<T>(), indices.mutable_data_ptr<int64_t>(),
      scope.stream());
  check_launch("nearest_neighbors");
}

// The Python function has checked the lengths, which lie on the device here.
Found nearest_neighbors_cuda(Tensor queries, Tensor points, Tensor query_lengths,
                             Tensor point_lengths, int64_t k) {
  const int64_t batch = queries.size(0), n = queries.size(1);
  Tensor distances = new_tensor(queries, {batch, n, k}, queries.scalar_type());
  Tensor indices = new_tensor(queries, {batch, n, k}, ScalarType::Long);
  const bool wide = queries.scalar_type() == ScalarType::Double;
  const auto call = wide ? run<double> : run<float>;
  call(packed(queries), packed(points), packed(query_lengths), packed(point_lengths), k,
       distances, indices);
  return {distances, indices};
}

FoundBoth nearest_neighbors_both_cuda(Tensor x, Tensor y, Tensor x_lengths,
                                      Tensor y_lengths) {
  auto first = nearest_neighbors_cuda(x, y, x_lengths, y_lengths, 1);
  auto second = nearest_neighbors_cuda(y, x, y_lengths, x_lengths, 1);
  return std::tuple_cat(first, second);
}

template <typename T>
void add_gradients(const Tensor& grad, const Tensor& queries, const Tensor& points,
                   const Tensor& indices, Tensor& grad_queries, Tensor& grad_points) {
  const CudaScope scope(queries);
  launch_nearest_neighbors_backward(
      grad.const_data_ptr<T>(), queries.const_data_ptr<T>(), points.const_data_ptr<T>(),
      indices.const_data_ptr<int64_t>(), queries.size(0), queries.size(1),
      points.size(1), indices.size(2), grad_queries.mutable_data_ptr<T>(),
      grad_points.mutable_data_ptr<T>(), scope.stream());
  check_launch("nearest_neighbors_backward");
}

void accumulate(const Tensor& grad, const Tensor& queries, const Tensor& points,
                const Tensor& indices, Tensor& grad_queries, Tensor& grad_points) {
  const auto call = queries.scalar_type() == ScalarType::Double ? add_gradients<double>
                                                                : add_gradients<float>;
  call(packed(grad), packed(queries), packed(points), packed(indices), grad_queries,
       grad_points);
}

Tensor zeros_like(const Tensor& tensor) {
  Tensor out =
      new_tensor(tensor, {tensor.size(0), tensor.size(1), 3}, tensor.scalar_type());
  torch::stable::zero_(out);
  return out;
}

Found nearest_neighbors_backward_cuda(Tensor grad, Tensor queries, Tensor points,
                                      Tensor indices) {
  Tensor grad_queries = zeros_like(queries), grad_points = zeros_like(points);
  accumulate(grad, queries, points, indices, grad_queries, grad_points);
  return {grad_queries, grad_points};
}

Found nearest_neighbors_both_backward_cuda(Tensor x_grad, Tensor y_grad, Tensor x,
                                           Tensor y, Tensor x_indices,
                                           Tensor y_indices) {
  Tensor grad_x = zeros_like(x), grad_y = zeros_like(y);
  accumulate(x_grad, x, y, x_indices, grad_x, grad_y);
  accumulate(y_grad, y, x, y_indices, grad_y, grad_x);
  return {grad_x, grad_y};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("nearest_neighbors", TORCH_BOX(&svr3d::nearest_neighbors_cuda));
  m.impl("nearest_neighbors_both", TORCH_BOX(&svr3d::nearest_neighbors_both_cuda));
  m.impl("nearest_neighbors_backward",
         TORCH_BOX(&svr3d::nearest_neighbors_backward_cuda));
  m.impl("nearest_neighbors_both_backward",
         TORCH_BOX(&svr3d::nearest_neighbors_both_backward_cuda));
}
