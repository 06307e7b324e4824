// SPDX-License-Identifier: Apache-2.0
#include "sample_surface.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "../common/tensor.h"

namespace svr3d {
namespace {

constexpr int64_t kSampleBlock = 256;

int64_t blocks_of(int64_t count, int64_t block) { return (count + block - 1) / block; }

// Entries of the guide for a number of faces: the more, the fewer steps a search takes,
// as long as the guide stays in the cache.
int64_t guide_size(int64_t count) {
  return std::max(count, std::min<int64_t>(8 * count, 1 << 15));
}

// Running sums of twice the areas within one block of faces.
template <typename T>
SVR3D_CLONES void sum_block(const T* vertices, const int64_t* faces, int64_t begin,
                            int64_t end, double* sums) {
  for (int64_t i = begin; i < end; ++i) sums[i] = double_area(vertices, faces + 3 * i);
  for (int64_t i = begin + 1; i < end; ++i) sums[i] += sums[i - 1];
}

// Joins the blocks' sums, and notes where the search for each fraction of the whole
// area may begin. Returns whether there is an area to draw from.
bool finish_sums(int64_t count, double* sums, int32_t* guide) {
  const int64_t entries = guide_size(count);
  const int64_t blocks = blocks_of(count, kAreaBlock);
  std::vector<double> offset(blocks + 1, 0.0);
  for (int64_t b = 0; b < blocks; ++b)
    offset[b + 1] = offset[b] + sums[std::min(count, (b + 1) * kAreaBlock) - 1];
  const double total = offset[blocks];
  if (!(total > 0 && std::isfinite(total))) return false;
  const double scale = static_cast<double>(entries) / total;
  const auto last = [&](double sum) {
    return std::min(entries - 1, static_cast<int64_t>(sum * scale));
  };
  // A face's entries of the guide begin behind those of the face before it.
  torch::stable::parallel_for(0, blocks, 64, [&](int64_t first, int64_t end) {
    for (int64_t b = first; b < end; ++b) {
      int64_t next = b == 0 ? 0 : last(offset[b]) + 1;
      const int64_t stop = std::min(count, (b + 1) * kAreaBlock);
      for (int64_t i = b * kAreaBlock; i < stop; ++i) {
        sums[i] += offset[b];
        for (const int64_t own = last(sums[i]); next <= own; ++next)
          guide[next] = static_cast<int32_t>(i);
      }
    }
  });
  for (int64_t i = last(total) + 1; i < entries; ++i)
    guide[i] = static_cast<int32_t>(count - 1);
  return true;
}

template <typename T>
struct Object {
  const T* vertices;
  const int64_t* faces;
  const double* sums;
  const int32_t* guide;
  int64_t num_faces;  // 0: nothing to draw from
  uint64_t stream;
};

template <typename T>
struct Samples {
  T *points, *normals, *barycentric;
  int64_t* face_index;
};

template <typename T>
void no_samples(const Samples<T>& out, int64_t at, int64_t size) {
  for (T* values : {out.points, out.normals, out.barycentric})
    std::fill_n(values + 3 * at, 3 * size, T(0));
  std::fill_n(out.face_index + at, size, int64_t(-1));
}

// Samples [begin, begin + size) of an object, written at row `at`. Draws, search and
// geometry are loops of their own, so that the first and the last vectorise.
template <typename T>
SVR3D_CLONES void draw_block(const Object<T>& object, int64_t begin, int64_t size,
                             const Samples<T>& out, int64_t at) {
  double area[kSampleBlock], root[kSampleBlock], share[kSampleBlock];
  SVR3D_VECTORIZE
  for (int64_t i = 0; i < size; ++i) {
    const SurfaceDraw draw = surface_draw(object.stream, begin + i);
    area[i] = draw.area;
    root[i] = draw.root;
    share[i] = draw.share;
  }
  const double* sums = object.sums;
  const int64_t last = object.num_faces - 1;
  const double total = sums[last];
  const double entries = static_cast<double>(guide_size(object.num_faces));
  double corners[9][kSampleBlock];
  for (int64_t i = 0; i < size; ++i) {
    const double target = area[i] * total;
    int64_t face = object.guide[static_cast<int64_t>(area[i] * entries)];
    while (face > 0 && sums[face - 1] > target) --face;  // the guide was rounded
    while (face < last && !(sums[face] > target)) ++face;
    out.face_index[at + i] = face;
    for (int k = 0; k < 3; ++k) {
      const T* p = object.vertices + 3 * object.faces[3 * face + k];
      for (int axis = 0; axis < 3; ++axis)
        corners[3 * k + axis][i] = static_cast<double>(p[axis]);
    }
  }
  T* points = out.points + 3 * at;
  T* normals = out.normals + 3 * at;
  T* weights = out.barycentric + 3 * at;
  SVR3D_VECTORIZE
  for (int64_t i = 0; i < size; ++i) {
    const Vec3<double> w = corner_weights(root[i], share[i]);
    const Vec3<double> a{corners[0][i], corners[1][i], corners[2][i]};
    const Vec3<double> b{corners[3][i], corners[4][i], corners[5][i]};
    const Vec3<double> c{corners[6][i], corners[7][i], corners[8][i]};
    const Vec3<double> p = a * w.x + b * w.y + c * w.z;
    const Vec3<double> n = cross(b - a, c - a);
    const double inverse = 1 / sqrt(dot(n, n));
    points[3 * i] = static_cast<T>(p.x);
    points[3 * i + 1] = static_cast<T>(p.y);
    points[3 * i + 2] = static_cast<T>(p.z);
    normals[3 * i] = static_cast<T>(n.x * inverse);
    normals[3 * i + 1] = static_cast<T>(n.y * inverse);
    normals[3 * i + 2] = static_cast<T>(n.z * inverse);
    weights[3 * i] = static_cast<T>(w.x);
    weights[3 * i + 1] = static_cast<T>(w.y);
    weights[3 * i + 2] = static_cast<T>(w.z);
  }
}

template <typename T>
void run(const Tensor& vertices, const Tensor& faces, const int64_t* lengths,
         const int64_t* seeds, int64_t wanted, const Samples<T>& out) {
  const int64_t batch = vertices.size(0), num_vertices = vertices.size(1);
  const int64_t num_faces = faces.size(1), shared = faces.size(0) == 1;
  const T* all_vertices = vertices.const_data_ptr<T>();
  const int64_t* all_faces = faces.const_data_ptr<int64_t>();
  const std::unique_ptr<double[]> sums(new double[batch * num_faces]);
  const int64_t guide_stride = guide_size(num_faces);
  const std::unique_ptr<int32_t[]> guide(new int32_t[batch * guide_stride]);
  std::unique_ptr<Object<T>[]> objects(new Object<T>[batch]);
  for (int64_t b = 0; b < batch; ++b)
    objects[b] = {all_vertices + 3 * num_vertices * b,
                  all_faces + (shared ? 0 : 3 * num_faces * b),
                  sums.get() + num_faces * b,
                  guide.get() + guide_stride * b,
                  lengths[b],
                  stream_of(seeds[b])};
  const int64_t face_blocks = blocks_of(num_faces, kAreaBlock);
  torch::stable::parallel_for(
      0, batch * face_blocks, 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const Object<T>& object = objects[i / face_blocks];
          const int64_t first = i % face_blocks * kAreaBlock;
          const int64_t last = std::min(object.num_faces, first + kAreaBlock);
          if (first < last)
            sum_block(object.vertices, object.faces, first, last,
                      sums.get() + i / face_blocks * num_faces);
        }
      });
  const auto finish = [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      if (!finish_sums(objects[b].num_faces, sums.get() + num_faces * b,
                       guide.get() + guide_stride * b))
        objects[b].num_faces = 0;
  };
  // A loop of one turn would keep an only mesh to one thread.
  if (batch == 1)
    finish(0, 1);
  else
    torch::stable::parallel_for(0, batch, 1, finish);
  const int64_t blocks = blocks_of(wanted, kSampleBlock);
  torch::stable::parallel_for(0, batch * blocks, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * kSampleBlock;
      const int64_t size = std::min(kSampleBlock, wanted - first);
      const int64_t at = i / blocks * wanted + first;
      if (objects[i / blocks].num_faces > 0)
        draw_block(objects[i / blocks], first, size, out, at);
      else
        no_samples(out, at, size);
    }
  });
}

void check_mesh(const Tensor& vertices, const Tensor& faces) {
  check_tensor(vertices, "vertices", vertices.scalar_type(), {-1, -1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, -1, 3});
  STD_TORCH_CHECK(faces.size(0) == 1 || faces.size(0) == vertices.size(0),
                  "faces must have one mesh or as many as vertices, found ",
                  faces.size(0));
  STD_TORCH_CHECK(faces.size(1) < (int64_t(1) << 31), "faces must be below 2^31");
}

// Faces beyond a mesh's length are padding and may hold any number.
void check_indices(const Tensor& vertices, const Tensor& faces, const Tensor& lengths) {
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  const int64_t num_faces = faces.size(1), limit = vertices.size(1);
  for (int64_t b = 0; b < vertices.size(0); ++b) {
    STD_TORCH_CHECK(length[b] >= 0 && length[b] <= num_faces,
                    "lengths must lie between 0 and ", num_faces, ", found ",
                    length[b]);
    const int64_t* first = face + (faces.size(0) == 1 ? 0 : 3 * num_faces * b);
    int64_t low = 0, high = -1;
    for (int64_t i = 0; i < 3 * length[b]; ++i) {
      low = std::min(low, first[i]);
      high = std::max(high, first[i]);
    }
    STD_TORCH_CHECK(low >= 0 && high < limit, "faces must index vertices 0 to ",
                    limit - 1, ", found ", low < 0 ? low : high);
  }
}

using Outputs = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Outputs sample_surface(Tensor vertices, Tensor faces, Tensor lengths, Tensor seeds,
                       int64_t count) {
  check_mesh(vertices, faces);
  const int64_t batch = vertices.size(0);
  check_tensor(lengths, "lengths", ScalarType::Long, {batch});
  check_tensor(seeds, "seeds", ScalarType::Long, {batch});
  STD_TORCH_CHECK(count >= 0, "count must not be negative, found ", count);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  lengths = torch::stable::contiguous(lengths);
  seeds = torch::stable::contiguous(seeds);
  check_indices(vertices, faces, lengths);
  const ScalarType type = vertices.scalar_type();
  Tensor points = new_tensor(vertices, {batch, count, 3}, type);
  Tensor normals = new_tensor(vertices, {batch, count, 3}, type);
  Tensor index = new_tensor(vertices, {batch, count}, ScalarType::Long);
  Tensor weights = new_tensor(vertices, {batch, count, 3}, type);
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  const int64_t* seed = seeds.const_data_ptr<int64_t>();
  const auto fill = [&](auto zero) {
    using T = decltype(zero);
    run<T>(vertices, faces, length, seed, count,
           {points.mutable_data_ptr<T>(), normals.mutable_data_ptr<T>(),
            weights.mutable_data_ptr<T>(), index.mutable_data_ptr<int64_t>()});
  };
  if (type == ScalarType::Double)
    fill(double());
  else
    fill(float());
  return {points, normals, index, weights};
}

template <typename T>
void accumulate(const T* vertices, const int64_t* faces, int64_t count,
                const int64_t* index, const T* weights, const T* point_gradient,
                const T* normal_gradient, double* sums) {
  Vec3<double> corners[3];
  for (int64_t i = 0; i < count; ++i) {
    if (index[i] < 0) continue;
    const int64_t* face = faces + 3 * index[i];
    corner_gradients(vertices, face, corner(weights, i), corner(point_gradient, i),
                     corner(normal_gradient, i), corners);
    for (int k = 0; k < 3; ++k) {
      double* sum = sums + 3 * face[k];
      sum[0] += corners[k].x;
      sum[1] += corners[k].y;
      sum[2] += corners[k].z;
    }
  }
}

template <typename T>
void run_backward(const Tensor& vertices, const Tensor& faces, const Tensor& index,
                  const Tensor& weights, const Tensor& point_gradient,
                  const Tensor& normal_gradient, Tensor& out) {
  const int64_t size = 3 * vertices.size(1), count = index.size(1);
  const int64_t mesh = faces.size(0) == 1 ? 0 : 3 * faces.size(1);
  // One thread per mesh: the sums have one order.
  torch::stable::parallel_for(0, vertices.size(0), 1, [&](int64_t begin, int64_t end) {
    const std::unique_ptr<double[]> sums(new double[size]);
    for (int64_t b = begin; b < end; ++b) {
      std::fill_n(sums.get(), size, 0.0);
      accumulate(vertices.const_data_ptr<T>() + size * b,
                 faces.const_data_ptr<int64_t>() + mesh * b, count,
                 index.const_data_ptr<int64_t>() + count * b,
                 weights.const_data_ptr<T>() + 3 * count * b,
                 point_gradient.const_data_ptr<T>() + 3 * count * b,
                 normal_gradient.const_data_ptr<T>() + 3 * count * b, sums.get());
      T* gradient = out.mutable_data_ptr<T>() + size * b;
      for (int64_t i = 0; i < size; ++i) gradient[i] = static_cast<T>(sums[i]);
    }
  });
}

Tensor sample_surface_backward(Tensor point_gradient, Tensor normal_gradient,
                               Tensor vertices, Tensor faces, Tensor face_index,
                               Tensor barycentric) {
  check_mesh(vertices, faces);
  const int64_t batch = vertices.size(0), num_vertices = vertices.size(1);
  const ScalarType type = vertices.scalar_type();
  check_tensor(face_index, "face_index", ScalarType::Long, {batch, -1});
  const int64_t count = face_index.size(1);
  check_tensor(barycentric, "barycentric", type, {batch, count, 3});
  check_tensor(point_gradient, "point_gradient", type, {batch, count, 3});
  check_tensor(normal_gradient, "normal_gradient", type, {batch, count, 3});
  for (Tensor* tensor : {&point_gradient, &normal_gradient, &vertices, &faces,
                         &face_index, &barycentric})
    *tensor = torch::stable::contiguous(*tensor);
  const int64_t* index = face_index.const_data_ptr<int64_t>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < count; ++i) {
      const int64_t f = index[b * count + i];
      STD_TORCH_CHECK(f < faces.size(1), "face_index must be below ", faces.size(1),
                      ", found ", f);
      const int64_t mesh = faces.size(0) == 1 ? 0 : b * faces.size(1);
      const int64_t* corners = face + 3 * (mesh + f);
      for (int k = 0; f >= 0 && k < 3; ++k)
        STD_TORCH_CHECK(corners[k] >= 0 && corners[k] < num_vertices,
                        "faces must index vertices 0 to ", num_vertices - 1,
                        ", found ", corners[k]);
    }
  Tensor out = new_tensor(vertices, {batch, num_vertices, 3}, type);
  if (type == ScalarType::Double)
    run_backward<double>(vertices, faces, face_index, barycentric, point_gradient,
                         normal_gradient, out);
  else
    run_backward<float>(vertices, faces, face_index, barycentric, point_gradient,
                        normal_gradient, out);
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "sample_surface(Tensor vertices, Tensor faces, Tensor lengths, Tensor seeds, "
      "SymInt count) -> (Tensor points, Tensor normals, Tensor face_index, "
      "Tensor barycentric)");
  m.def(
      "sample_surface_backward(Tensor point_gradient, Tensor normal_gradient, "
      "Tensor vertices, Tensor faces, Tensor face_index, Tensor barycentric) "
      "-> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("sample_surface", TORCH_BOX(&svr3d::sample_surface));
  m.impl("sample_surface_backward", TORCH_BOX(&svr3d::sample_surface_backward));
}
