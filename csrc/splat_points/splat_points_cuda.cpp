// SPDX-License-Identifier: Apache-2.0
// The Python function has checked lengths, which lie on the device here.
#include <tuple>

#include "../common/cuda_binding.h"
#include "splat_points_launch.h"

namespace svr3d {
namespace {

template <typename T>
SplatBatch<T> batch_of(const Tensor& points, const Tensor& lengths, int64_t height,
                       int64_t width) {
  return {points.const_data_ptr<T>(), lengths.const_data_ptr<int64_t>(), points.size(0),
          points.size(1), height, width};
}

template <typename T>
Tensor silhouettes(const Tensor& points, const SplatBatch<T>& given, double sharpness,
                   double reach) {
  const CudaScope scope(points);
  Tensor out = new_tensor(points, {given.batch, given.height, given.width},
                          points.scalar_type());
  launch_splat_silhouettes(given, sharpness, reach, out.mutable_data_ptr<T>(),
                           scope.stream());
  check_launch("splat_silhouettes");
  return out;
}

template <typename T>
Tensor silhouettes_backward(const Tensor& points, const SplatBatch<T>& given,
                            const Tensor& grad, const Tensor& result, double sharpness,
                            double reach) {
  const CudaScope scope(points);
  Tensor out = new_tensor(points, {given.batch, given.count, 3}, points.scalar_type());
  launch_splat_silhouettes_backward(given, grad.const_data_ptr<T>(),
                                    result.const_data_ptr<T>(), sharpness, reach,
                                    out.mutable_data_ptr<T>(), scope.stream());
  check_launch("splat_silhouettes_backward");
  return out;
}

template <typename T>
std::tuple<Tensor, Tensor> features(const Tensor& points, const SplatBatch<T>& given,
                                    const Tensor& values, double well, double beta) {
  const CudaScope scope(points);
  const ScalarType type = points.scalar_type();
  const int64_t size = values.size(2);
  Tensor image = new_tensor(points, {given.batch, given.height, given.width, size}, type);
  Tensor stats = new_tensor(points, {given.batch, given.height, given.width, 2}, type);
  launch_splat_features(given, values.const_data_ptr<T>(), size, well, beta,
                        image.mutable_data_ptr<T>(), stats.mutable_data_ptr<T>(),
                        scope.stream());
  check_launch("splat_features");
  return {image, stats};
}

template <typename T>
std::tuple<Tensor, Tensor> features_backward(const Tensor& points,
                                             const SplatBatch<T>& given,
                                             const Tensor& grad, const Tensor& result,
                                             const Tensor& stats, const Tensor& values,
                                             double well, double beta) {
  const CudaScope scope(points);
  const ScalarType type = points.scalar_type();
  const int64_t size = values.size(2);
  Tensor moved = new_tensor(points, {given.batch, given.count, 3}, type);
  Tensor slopes = new_tensor(points, {given.batch, given.count, size}, type);
  launch_splat_features_backward(
      given, grad.const_data_ptr<T>(), result.const_data_ptr<T>(),
      stats.const_data_ptr<T>(), values.const_data_ptr<T>(), size, well, beta,
      moved.mutable_data_ptr<T>(), slopes.mutable_data_ptr<T>(), scope.stream());
  check_launch("splat_features_backward");
  return {moved, slopes};
}

bool is_wide(const Tensor& points) { return points.scalar_type() == ScalarType::Double; }

Tensor splat_silhouettes_cuda(Tensor points, Tensor lengths, int64_t height,
                              int64_t width, double sharpness, double reach) {
  for (Tensor* tensor : {&points, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  return is_wide(points)
             ? silhouettes(points, batch_of<double>(points, lengths, height, width),
                           sharpness, reach)
             : silhouettes(points, batch_of<float>(points, lengths, height, width),
                           sharpness, reach);
}

Tensor splat_silhouettes_backward_cuda(Tensor grad, Tensor result, Tensor points,
                                       Tensor lengths, double sharpness,
                                       double reach) {
  for (Tensor* tensor : {&grad, &result, &points, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  const int64_t height = result.size(1), width = result.size(2);
  return is_wide(points)
             ? silhouettes_backward(points,
                                    batch_of<double>(points, lengths, height, width),
                                    grad, result, sharpness, reach)
             : silhouettes_backward(points,
                                    batch_of<float>(points, lengths, height, width),
                                    grad, result, sharpness, reach);
}

std::tuple<Tensor, Tensor> splat_features_cuda(Tensor points, Tensor values,
                                               Tensor lengths, int64_t height,
                                               int64_t width, double well,
                                               double beta) {
  for (Tensor* tensor : {&points, &values, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  return is_wide(points)
             ? features(points, batch_of<double>(points, lengths, height, width),
                        values, well, beta)
             : features(points, batch_of<float>(points, lengths, height, width), values,
                        well, beta);
}

std::tuple<Tensor, Tensor> splat_features_backward_cuda(Tensor grad, Tensor result,
                                                        Tensor stats, Tensor points,
                                                        Tensor values, Tensor lengths,
                                                        double well, double beta) {
  for (Tensor* tensor : {&grad, &result, &stats, &points, &values, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  const int64_t height = result.size(1), width = result.size(2);
  return is_wide(points)
             ? features_backward(points,
                                 batch_of<double>(points, lengths, height, width), grad,
                                 result, stats, values, well, beta)
             : features_backward(points,
                                 batch_of<float>(points, lengths, height, width), grad,
                                 result, stats, values, well, beta);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("splat_silhouettes", TORCH_BOX(&svr3d::splat_silhouettes_cuda));
  m.impl("splat_silhouettes_backward",
         TORCH_BOX(&svr3d::splat_silhouettes_backward_cuda));
  m.impl("splat_features", TORCH_BOX(&svr3d::splat_features_cuda));
  m.impl("splat_features_backward", TORCH_BOX(&svr3d::splat_features_backward_cuda));
}
