// SPDX-License-Identifier: Apache-2.0
// The Python function has checked indices and lengths, which lie on the device here.
#include <tuple>

#include "../common/cuda_binding.h"
#include "neural_arguments.h"
#include "neural_rasterize_launch.h"

namespace svr3d {
namespace {

NeuralArguments gather(const Tensor& vertices, const Tensor& faces,
                       const Tensor& lengths, const Tensor& textures,
                       const Tensor& background, int64_t size, double near, double far,
                       double eps, bool fill_back) {
  return {torch::stable::contiguous(vertices),
          torch::stable::contiguous(faces),
          torch::stable::contiguous(lengths),
          torch::stable::contiguous(textures),
          torch::stable::contiguous(background),
          size,
          near,
          far,
          eps,
          fill_back};
}

using Maps = std::tuple<Tensor, Tensor, Tensor>;

template <typename T>
Maps forward(const NeuralArguments& given) {
  const CudaScope scope(given.vertices);
  const NeuralScene<T> scene = given.scene<T>();
  const int64_t batch = given.batch(), size = given.size;
  const ScalarType type = given.vertices.scalar_type();
  const Tensor& like = given.vertices;
  Tensor images = new_tensor(like, {batch, scene.channels(), size, size}, type);
  Tensor depth = new_tensor(like, {batch, size, size}, type);
  Tensor index = new_tensor(like, {batch, size, size}, ScalarType::Int);
  Tensor scratch =
      new_tensor(like, {neural_scratch_bytes(scene, batch)}, ScalarType::Byte);
  launch_neural_rasterize(
      scene, batch, static_cast<void*>(scratch.mutable_data_ptr<uint8_t>()),
      images.mutable_data_ptr<T>(), depth.mutable_data_ptr<T>(),
      index.mutable_data_ptr<int32_t>(), scope.stream());
  check_launch("neural_rasterize");
  return {images, depth, index};
}

template <typename T>
std::tuple<Tensor, Tensor> backward(const NeuralArguments& given, const Tensor maps[5]) {
  const CudaScope scope(given.vertices);
  const NeuralScene<T> scene = given.scene<T>();
  const int64_t batch = given.batch();
  const ScalarType type = given.vertices.scalar_type();
  const Tensor& like = given.vertices;
  Tensor vertices = new_tensor(like, {batch, scene.num_vertices, 3}, type);
  Tensor textures =
      new_tensor(like, {given.textured() ? given.textures.numel() : 0}, type);
  Tensor corners = new_tensor(like, {batch, scene.drawn_faces(), 9}, type);
  Tensor scratch =
      new_tensor(like, {neural_scratch_bytes(scene, batch)}, ScalarType::Byte);
  NeuralPulls<T> pulls;
  pulls.grad_images = maps[0].dim() == 4 ? maps[0].const_data_ptr<T>() : nullptr;
  pulls.grad_depth = maps[1].dim() == 3 ? maps[1].const_data_ptr<T>() : nullptr;
  pulls.images = maps[2].const_data_ptr<T>();
  pulls.depth = maps[3].const_data_ptr<T>();
  pulls.index = maps[4].const_data_ptr<int32_t>();
  pulls.corners = corners.mutable_data_ptr<T>();
  pulls.vertices = vertices.mutable_data_ptr<T>();
  pulls.textures = textures.mutable_data_ptr<T>();
  launch_neural_rasterize_backward(
      scene, batch, static_cast<void*>(scratch.mutable_data_ptr<uint8_t>()), pulls,
      scope.stream());
  check_launch("neural_rasterize_backward");
  return {vertices, textures};
}

Maps neural_rasterize_cuda(Tensor vertices, Tensor faces, Tensor lengths,
                           Tensor textures, Tensor background, int64_t size,
                           double near, double far, double eps, bool fill_back) {
  const NeuralArguments given = gather(vertices, faces, lengths, textures, background,
                                       size, near, far, eps, fill_back);
  const bool wide = vertices.scalar_type() == ScalarType::Double;
  return wide ? forward<double>(given) : forward<float>(given);
}

std::tuple<Tensor, Tensor> neural_rasterize_backward_cuda(
    Tensor grad_images, Tensor grad_depth, Tensor images, Tensor depth, Tensor index,
    Tensor vertices, Tensor faces, Tensor lengths, Tensor textures, Tensor background,
    double near, double far, double eps, bool fill_back) {
  const NeuralArguments given =
      gather(vertices, faces, lengths, textures, background, images.size(2), near, far,
             eps, fill_back);
  Tensor maps[5] = {grad_images, grad_depth, images, depth, index};
  for (Tensor& map : maps) map = torch::stable::contiguous(map);
  const bool wide = vertices.scalar_type() == ScalarType::Double;
  return wide ? backward<double>(given, maps) : backward<float>(given, maps);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("neural_rasterize", TORCH_BOX(&svr3d::neural_rasterize_cuda));
  m.impl("neural_rasterize_backward",
         TORCH_BOX(&svr3d::neural_rasterize_backward_cuda));
}
