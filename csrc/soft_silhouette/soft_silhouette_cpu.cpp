// SPDX-License-Identifier: Apache-2.0
// Face by face over tiles of pixels: images or bands of one run in parallel forward,
// images or runs of faces backward, each with its own output.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../common/instruction_set.h"
#include "../common/tensor.h"
#include "../common/tiles.h"
#include "soft_kernels.h"
#include "soft_silhouette.h"

namespace svr3d {
namespace {

template <typename T>
SoftKernels<T> soft_kernels() {
#if SVR3D_X86
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::kAvx512) return soft_avx512::kernels(T());
  if (set == InstructionSet::kAvx2) return soft_avx2::kernels(T());
#endif
  return soft_portable::kernels(T());
}

// The checked arguments of either direction.
struct SoftArguments {
  Tensor vertices, faces, lengths;
  int64_t height, width;
  double sigma, radius;

  int64_t batch() const { return vertices.size(0); }
  const int64_t* length() const { return lengths.const_data_ptr<int64_t>(); }
};

SoftArguments check(const Tensor& vertices, const Tensor& faces, const Tensor& lengths,
                    int64_t height, int64_t width, double sigma, double radius) {
  check_tensor(vertices, "vertices", vertices.scalar_type(), {-1, -1, 2});
  STD_TORCH_CHECK(vertices.scalar_type() == ScalarType::Float ||
                      vertices.scalar_type() == ScalarType::Double,
                  "vertices must have dtype Float or Double");
  const int64_t batch = vertices.size(0);
  check_tensor(faces, "faces", ScalarType::Long, {-1, -1, 3});
  STD_TORCH_CHECK(faces.size(0) == batch || faces.size(0) == 1,
                  "faces must have one row, or one per image");
  check_tensor(lengths, "lengths", ScalarType::Long, {batch});
  STD_TORCH_CHECK(height > 0 && width > 0 && height <= 65536 && width <= 65536,
                  "height and width must lie between 1 and 65536");
  STD_TORCH_CHECK(sigma > 0 && radius >= 0, "sigma must be positive");
  SoftArguments out{torch::stable::contiguous(vertices),
                    torch::stable::contiguous(faces),
                    torch::stable::contiguous(lengths),
                    height,
                    width,
                    sigma,
                    radius};
  check_faces(out.faces, vertices.size(1));
  for (int64_t b = 0; b < batch; ++b)
    STD_TORCH_CHECK(out.length()[b] >= 0 && out.length()[b] <= faces.size(1),
                    "lengths must lie between 0 and the number of faces");
  return out;
}

// A scene, and the centres of its lanes.
template <typename T>
struct Stage {
  std::vector<T> x, y;
  SoftScene<T> scene;

  explicit Stage(const SoftArguments& given) {
    scene.vertices = given.vertices.const_data_ptr<T>();
    scene.faces = given.faces.const_data_ptr<int64_t>();
    scene.num_vertices = given.vertices.size(1);
    scene.face_stride = given.faces.size(0) == 1 ? 0 : 3 * given.faces.size(1);
    scene.height = given.height;
    scene.width = given.width;
    scene.tile_rows = tiles_along(given.height);
    scene.tile_columns = tiles_along(given.width);
    for (int64_t i = 0; i < scene.tile_columns * kTileLanes; ++i)
      x.push_back(pixel_centre<T>(
          i / kTileLanes * kTileSide + i % kTileSide, given.width));
    for (int64_t i = 0; i < scene.tile_rows * kTileLanes; ++i)
      y.push_back(-pixel_centre<T>(i / kTileSide, given.height));
    scene.x = x.data();
    scene.y = y.data();
    scene.slope = T(1 / given.sigma);
    scene.radius = T(given.radius);
    scene.limit = T(given.radius * given.radius);
    scene.half_x = T(kTileSide - 1) / given.width;
    scene.half_y = T(kTileSide - 1) / given.height;
    const double half = std::hypot(scene.half_x, scene.half_y);
    scene.reach = T((half + given.radius) * 1.0001);
  }
};

// Pieces per image that keep a few threads busy when the batch is small.
int64_t pieces(int64_t batch, int64_t work) {
  const int64_t wanted = 8 / std::max<int64_t>(batch, 1);
  return std::max<int64_t>(1, std::min<int64_t>(work, wanted));
}

template <typename T>
Tensor forward(const SoftArguments& given) {
  const Stage<T> stage(given);
  const SoftScene<T>& scene = stage.scene;
  const int64_t batch = given.batch(), height = given.height, width = given.width;
  Tensor out = new_tensor(given.vertices, {batch, height, width},
                          given.vertices.scalar_type());
  T* pixels = out.mutable_data_ptr<T>();
  const SoftKernels<T> kernels = soft_kernels<T>();
  const int64_t bands = pieces(batch, scene.tile_rows);
  const int64_t stride = scene.tile_columns * kTileLanes;
  torch::stable::parallel_for(0, batch * bands, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> product(scene.tile_rows * stride);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / bands, band = task % bands;
      const int64_t first = scene.tile_rows * band / bands;
      const int64_t last = scene.tile_rows * (band + 1) / bands;
      std::fill(product.begin() + first * stride, product.begin() + last * stride,
                T(1));
      kernels.cover(scene, image, given.length()[image], first, last, product.data());
      const int64_t stop = std::min(last * kTileSide, height);
      for (int64_t y = first * kTileSide; y < stop; ++y)
        for (int64_t x = 0; x < width; ++x)
          pixels[(image * height + y) * width + x] =
              1 / product[tile_offset(y, x, scene.tile_columns)];
    }
  });
  return out;
}

template <typename T>
Tensor backward(const SoftArguments& given, const Tensor& grad, const Tensor& free) {
  const Stage<T> stage(given);
  const SoftScene<T>& scene = stage.scene;
  const int64_t batch = given.batch(), height = given.height, width = given.width;
  const int64_t num_vertices = scene.num_vertices, num_faces = given.faces.size(1);
  const int64_t tiles = scene.tile_rows * scene.tile_columns;
  const T* upstream = grad.const_data_ptr<T>();
  const T* transmitted = free.const_data_ptr<T>();
  std::vector<T> pull(batch * tiles * kTileLanes), corners(6 * num_faces * batch);
  std::vector<uint8_t> busy(batch * tiles);
  torch::stable::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          const int64_t from = (image * height + y) * width + x;
          const int64_t to = image * tiles * kTileLanes +
                             tile_offset(y, x, scene.tile_columns);
          pull[to] = -upstream[from] * transmitted[from];
          busy[to / kTileLanes] |= pull[to] != 0;
        }
  });
  const SoftKernels<T> kernels = soft_kernels<T>();
  const int64_t parts = pieces(batch, num_faces);
  torch::stable::parallel_for(0, batch * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / parts, part = task % parts;
      const int64_t length = given.length()[image];
      kernels.pull(scene, image, length * part / parts, length * (part + 1) / parts,
                   pull.data() + image * tiles * kTileLanes,
                   busy.data() + image * tiles, corners.data() + 6 * num_faces * image);
    }
  });
  Tensor out = new_tensor(given.vertices, {batch, num_vertices, 2},
                          given.vertices.scalar_type());
  T* sums = out.mutable_data_ptr<T>();
  torch::stable::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      T* sum = sums + 2 * num_vertices * image;
      std::fill(sum, sum + 2 * num_vertices, T(0));
      const T* from = corners.data() + 6 * num_faces * image;
      const int64_t* corner = scene.faces + image * scene.face_stride;
      for (int64_t i = 0; i < 3 * given.length()[image]; ++i)
        for (int axis = 0; axis < 2; ++axis)
          sum[2 * corner[i] + axis] += from[2 * i + axis];
    }
  });
  return out;
}

Tensor soft_silhouette(Tensor vertices, Tensor faces, Tensor lengths, int64_t height,
                       int64_t width, double sigma, double radius) {
  const SoftArguments given =
      check(vertices, faces, lengths, height, width, sigma, radius);
  const bool wide = vertices.scalar_type() == ScalarType::Double;
  return wide ? forward<double>(given) : forward<float>(given);
}

Tensor soft_silhouette_backward(Tensor grad, Tensor free, Tensor vertices,
                                Tensor faces, Tensor lengths, double sigma,
                                double radius) {
  const ScalarType type = vertices.scalar_type();
  check_tensor(free, "free", type, {vertices.size(0), -1, -1});
  const int64_t height = free.size(1), width = free.size(2);
  check_tensor(grad, "grad", type, {vertices.size(0), height, width});
  const SoftArguments given =
      check(vertices, faces, lengths, height, width, sigma, radius);
  grad = torch::stable::contiguous(grad);
  free = torch::stable::contiguous(free);
  return type == ScalarType::Double ? backward<double>(given, grad, free)
                                    : backward<float>(given, grad, free);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "soft_silhouette(Tensor vertices, Tensor faces, Tensor lengths, SymInt height, "
      "SymInt width, float sigma, float radius) -> Tensor");
  m.def(
      "soft_silhouette_backward(Tensor grad, Tensor free, Tensor vertices, "
      "Tensor faces, Tensor lengths, float sigma, float radius) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("soft_silhouette", TORCH_BOX(&svr3d::soft_silhouette));
  m.impl("soft_silhouette_backward", TORCH_BOX(&svr3d::soft_silhouette_backward));
}
