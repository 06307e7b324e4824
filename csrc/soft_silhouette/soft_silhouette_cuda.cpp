// SPDX-License-Identifier: Apache-2.0
// The Python function has checked indices and lengths, which lie on the device here.
#include "../common/cuda_binding.h"
#include "soft_silhouette_launch.h"

namespace svr3d {
namespace {

template <typename T>
SoftBatch<T> batch_of(const Tensor& vertices, const Tensor& faces,
                      const Tensor& lengths, int64_t height, int64_t width,
                      double sigma, double radius) {
  return {vertices.const_data_ptr<T>(),
          faces.const_data_ptr<int64_t>(),
          lengths.const_data_ptr<int64_t>(),
          vertices.size(0),
          vertices.size(1),
          faces.size(1),
          faces.size(0) == 1 ? 0 : 3 * faces.size(1),
          height,
          width,
          sigma,
          radius};
}

template <typename T>
Tensor forward(const Tensor& vertices, const SoftBatch<T>& given) {
  const CudaScope scope(vertices);
  Tensor out = new_tensor(vertices, {given.batch, given.height, given.width},
                          vertices.scalar_type());
  Tensor scratch = new_tensor(vertices, {soft_scratch_bytes(given)}, ScalarType::Byte);
  launch_soft_silhouette(given, static_cast<void*>(scratch.mutable_data_ptr<uint8_t>()),
                         out.mutable_data_ptr<T>(), scope.stream());
  check_launch("soft_silhouette");
  return out;
}

template <typename T>
Tensor backward(const Tensor& vertices, const SoftBatch<T>& given, const Tensor& grad,
                const Tensor& free) {
  const CudaScope scope(vertices);
  const ScalarType type = vertices.scalar_type();
  Tensor out = new_tensor(vertices, {given.batch, given.num_vertices, 2}, type);
  Tensor scratch = new_tensor(vertices, {soft_scratch_bytes(given)}, ScalarType::Byte);
  Tensor corners = new_tensor(vertices, {given.batch, given.num_faces, 6}, type);
  launch_soft_silhouette_backward(
      given, grad.const_data_ptr<T>(), free.const_data_ptr<T>(),
      static_cast<void*>(scratch.mutable_data_ptr<uint8_t>()),
      corners.mutable_data_ptr<T>(), out.mutable_data_ptr<T>(), scope.stream());
  check_launch("soft_silhouette_backward");
  return out;
}

Tensor soft_silhouette_cuda(Tensor vertices, Tensor faces, Tensor lengths,
                            int64_t height, int64_t width, double sigma,
                            double radius) {
  for (Tensor* tensor : {&vertices, &faces, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  if (vertices.scalar_type() == ScalarType::Double)
    return forward(vertices, batch_of<double>(vertices, faces, lengths, height, width,
                                              sigma, radius));
  return forward(vertices, batch_of<float>(vertices, faces, lengths, height, width,
                                           sigma, radius));
}

Tensor soft_silhouette_backward_cuda(Tensor grad, Tensor free, Tensor vertices,
                                     Tensor faces, Tensor lengths, double sigma,
                                     double radius) {
  for (Tensor* tensor : {&grad, &free, &vertices, &faces, &lengths})
    *tensor = torch::stable::contiguous(*tensor);
  const int64_t height = free.size(1), width = free.size(2);
  if (vertices.scalar_type() == ScalarType::Double)
    return backward(vertices,
                    batch_of<double>(vertices, faces, lengths, height, width, sigma,
                                     radius),
                    grad, free);
  return backward(
      vertices, batch_of<float>(vertices, faces, lengths, height, width, sigma, radius),
      grad, free);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("soft_silhouette", TORCH_BOX(&svr3d::soft_silhouette_cuda));
  m.impl("soft_silhouette_backward", TORCH_BOX(&svr3d::soft_silhouette_backward_cuda));
}
