// SPDX-License-Identifier: Apache-2.0
// Checks, and the split into images, bands of rows and runs of faces.
#include <algorithm>
#include <tuple>

#include "../common/tensor.h"
#include "neural_arguments.h"
#include "neural_maps.h"

namespace svr3d {
namespace {

NeuralArguments check(const Tensor& vertices, const Tensor& faces,
                      const Tensor& lengths, const Tensor& textures,
                      const Tensor& background, int64_t size, double near, double far,
                      double eps, bool fill_back) {
  const ScalarType type = vertices.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "vertices must have dtype Float or Double");
  check_tensor(vertices, "vertices", type, {-1, -1, 3});
  const int64_t batch = vertices.size(0);
  check_tensor(faces, "faces", ScalarType::Long, {-1, -1, 3});
  STD_TORCH_CHECK(faces.size(0) == batch || faces.size(0) == 1,
                  "faces must have one row, or one per image");
  STD_TORCH_CHECK(faces.size(1) < (1 << 30), "faces must be fewer than 2^30");
  check_tensor(lengths, "lengths", ScalarType::Long, {batch});
  check_tensor(background, "background", type, {3});
  if (textures.dim() == 6) {
    const int64_t side = textures.size(2);
    STD_TORCH_CHECK(side > 0, "textures must have a side of at least 1");
    check_tensor(textures, "textures", type,
                 {batch, faces.size(1), side, side, side, 3});
  }
  STD_TORCH_CHECK(size > 0 && size <= 32768, "size must lie between 1 and 32768");
  STD_TORCH_CHECK(eps > 0, "eps must be positive");
  NeuralArguments out{torch::stable::contiguous(vertices),
                      torch::stable::contiguous(faces),
                      torch::stable::contiguous(lengths),
                      torch::stable::contiguous(textures),
                      torch::stable::contiguous(background),
                      size,
                      near,
                      far,
                      eps,
                      fill_back};
  check_faces(out.faces, vertices.size(1));
  const int64_t* length = out.lengths.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < batch; ++b)
    STD_TORCH_CHECK(length[b] >= 0 && length[b] <= faces.size(1),
                    "lengths must lie between 0 and the number of faces");
  return out;
}

// Pieces per image that keep a few threads busy when the batch is small.
int64_t pieces(int64_t batch, int64_t work) {
  const int64_t wanted = 8 / std::max<int64_t>(batch, 1);
  return std::max<int64_t>(1, std::min<int64_t>(work, wanted));
}

using Maps = std::tuple<Tensor, Tensor, Tensor>;

template <typename T>
Maps forward(const NeuralArguments& given) {
  const NeuralScene<T> scene = given.scene<T>();
  const int64_t batch = given.batch(), size = given.size, area = size * size;
  const int64_t channels = scene.channels();
  const ScalarType type = given.vertices.scalar_type();
  Tensor images = new_tensor(given.vertices, {batch, channels, size, size}, type);
  Tensor depth = new_tensor(given.vertices, {batch, size, size}, type);
  Tensor index = new_tensor(given.vertices, {batch, size, size}, ScalarType::Int);
  T* image_data = images.mutable_data_ptr<T>();
  T* depth_data = depth.mutable_data_ptr<T>();
  int32_t* index_data = index.mutable_data_ptr<int32_t>();
  const int64_t bands = pieces(batch, size);
  torch::stable::parallel_for(0, batch * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / bands, band = task % bands;
      render_rows(scene, image, size * band / bands, size * (band + 1) / bands,
                  index_data + image * area, depth_data + image * area,
                  image_data + image * channels * area);
    }
  });
  return {images, depth, index};
}

// Which faces own a pixel; the others have no gradient.
std::vector<uint8_t> seen_faces(const int32_t* index, int64_t area, int64_t count) {
  std::vector<uint8_t> seen(count);
  for (int64_t i = 0; i < area; ++i)
    if (index[i] >= 0 && index[i] < count) seen[index[i]] = 1;
  return seen;
}

template <typename T>
void sum_corners(const NeuralScene<T>& scene, int64_t image, const T* from, T* sum) {
  const int64_t* corner = scene.faces + image * scene.face_stride;
  for (int64_t face = 0; face < scene.drawn_faces(); ++face)
    for (int i = 0; i < 3; ++i) {
      T* to = sum + 3 * corner[corner_slot(scene, face, i)];
      for (int axis = 0; axis < 3; ++axis) to[axis] += from[9 * face + 3 * i + axis];
    }
}

template <typename T>
std::tuple<Tensor, Tensor> backward(const NeuralArguments& given,
                                    const Tensor& grad_images,
                                    const Tensor& grad_depth, const Tensor& images,
                                    const Tensor& depth, const Tensor& index) {
  const NeuralScene<T> scene = given.scene<T>();
  const int64_t batch = given.batch(), size = given.size, area = size * size;
  const int64_t channels = scene.channels(), drawn = scene.drawn_faces();
  const ScalarType type = given.vertices.scalar_type();
  Tensor vertex_grad =
      new_tensor(given.vertices, {batch, given.vertices.size(1), 3}, type);
  const int64_t side = scene.texture_side, cells = side * side * side * 3;
  const int64_t textured = given.textured() ? given.faces.size(1) * cells : 0;
  Tensor texture_grad = new_tensor(given.vertices, {batch * textured}, type);
  T* vertex_out = vertex_grad.mutable_data_ptr<T>();
  T* texture_out = texture_grad.mutable_data_ptr<T>();
  const T* upstream =
      grad_images.dim() == 4 ? grad_images.const_data_ptr<T>() : nullptr;
  const T* depth_pull = grad_depth.dim() == 3 ? grad_depth.const_data_ptr<T>() : nullptr;
  const T* image_data = images.const_data_ptr<T>();
  const T* depth_data = depth.const_data_ptr<T>();
  const int32_t* index_data = index.const_data_ptr<int32_t>();
  for (int64_t i = 0; i < batch * area; ++i)
    STD_TORCH_CHECK(index_data[i] >= -1 && index_data[i] < drawn,
                    "index must hold faces that were drawn");
  std::vector<T> corners(batch * drawn * 9);
  const int64_t parts = pieces(batch, 8);
  torch::stable::parallel_for(0, batch * parts, 1, [&](int64_t begin, int64_t end) {
    NeuralLines<T> columns, rows;
    int64_t known = -1;
    std::vector<uint8_t> seen;
    for (int64_t task = begin; upstream && task < end; ++task) {
      const int64_t image = task / parts, part = task % parts;
      const int32_t* map = index_data + image * area;
      if (image != known) {
        const T* values = image_data + image * channels * area;
        const T* pulls = upstream + image * channels * area;
        columns.fill(scene, false, map, values, pulls);
        rows.fill(scene, true, map, values, pulls);
        seen = seen_faces(map, area, drawn);
        known = image;
      }
      sweep_faces(scene, image, drawn * part / parts, drawn * (part + 1) / parts,
                  seen.data(), columns, rows, corners.data() + image * drawn * 9);
    }
  });
  torch::stable::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      T* own = corners.data() + image * drawn * 9;
      T* cell = textured ? texture_out : nullptr;
      if (cell) std::fill(cell + image * textured, cell + (image + 1) * textured, T(0));
      if (depth_pull || (cell && upstream))
        pull_pixels(scene, image, index_data + image * area, depth_data + image * area,
                    depth_pull ? depth_pull + image * area : nullptr,
                    upstream ? upstream + image * channels * area : nullptr, own,
                    upstream ? cell : nullptr);
      T* sum = vertex_out + 3 * scene.num_vertices * image;
      std::fill(sum, sum + 3 * scene.num_vertices, T(0));
      sum_corners(scene, image, own, sum);
    }
  });
  return {vertex_grad, texture_grad};
}

Maps neural_rasterize(Tensor vertices, Tensor faces, Tensor lengths, Tensor textures,
                      Tensor background, int64_t size, double near, double far,
                      double eps, bool fill_back) {
  const NeuralArguments given = check(vertices, faces, lengths, textures, background,
                                      size, near, far, eps, fill_back);
  const bool wide = vertices.scalar_type() == ScalarType::Double;
  return wide ? forward<double>(given) : forward<float>(given);
}

// An upstream gradient of fewer dimensions than its map stands for zeros.
std::tuple<Tensor, Tensor> neural_rasterize_backward(
    Tensor grad_images, Tensor grad_depth, Tensor images, Tensor depth, Tensor index,
    Tensor vertices, Tensor faces, Tensor lengths, Tensor textures, Tensor background,
    double near, double far, double eps, bool fill_back) {
  const ScalarType type = vertices.scalar_type();
  const int64_t batch = vertices.size(0), channels = textures.dim() == 6 ? 4 : 1;
  check_tensor(images, "images", type, {batch, channels, -1, -1});
  const int64_t size = images.size(2);
  check_tensor(images, "images", type, {batch, channels, size, size});
  check_tensor(depth, "depth", type, {batch, size, size});
  check_tensor(index, "index", ScalarType::Int, {batch, size, size});
  if (grad_images.dim() == 4)
    check_tensor(grad_images, "grad_images", type, {batch, channels, size, size});
  if (grad_depth.dim() == 3)
    check_tensor(grad_depth, "grad_depth", type, {batch, size, size});
  const NeuralArguments given = check(vertices, faces, lengths, textures, background,
                                      size, near, far, eps, fill_back);
  Tensor maps[5] = {grad_images, grad_depth, images, depth, index};
  for (Tensor& map : maps) map = torch::stable::contiguous(map);
  return type == ScalarType::Double
             ? backward<double>(given, maps[0], maps[1], maps[2], maps[3], maps[4])
             : backward<float>(given, maps[0], maps[1], maps[2], maps[3], maps[4]);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "neural_rasterize(Tensor vertices, Tensor faces, Tensor lengths, "
      "Tensor textures, Tensor background, SymInt size, float near, float far, "
      "float eps, bool fill_back) -> (Tensor images, Tensor depth, Tensor index)");
  m.def(
      "neural_rasterize_backward(Tensor grad_images, Tensor grad_depth, "
      "Tensor images, Tensor depth, Tensor index, Tensor vertices, Tensor faces, "
      "Tensor lengths, Tensor textures, Tensor background, float near, float far, "
      "float eps, bool fill_back) -> (Tensor vertices, Tensor textures)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("neural_rasterize", TORCH_BOX(&svr3d::neural_rasterize));
  m.impl("neural_rasterize_backward", TORCH_BOX(&svr3d::neural_rasterize_backward));
}
