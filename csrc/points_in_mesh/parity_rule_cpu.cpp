// SPDX-License-Identifier: Apache-2.0
// Points are sorted by the cells of a plane grid, so that a triangle meets its points
// in few runs; each run is tested lane by lane. Flips of parity commute: threads share
// the triangles, each with parities of its own.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../common/mesh_arrays.h"
#include "parity_rule.h"

namespace svr3d {
namespace {

constexpr int kWidth = 16;
constexpr int64_t kFacesPerThread = 4096;

template <typename T>
struct Points {
  using Mask = typename std::conditional<sizeof(T) == 4, int, long long>::type;
  int side;            // cells along x and along y
  T low[3], scale[2];  // corner of the box; cells per length
  std::vector<int32_t> start, source;
  std::vector<T> x, y, z;

  int cell(T value, int axis) const {  // relative to the corner
    const T c = value * scale[axis];
    return c > 0 ? static_cast<int>(smaller(c, T(side - 1))) : 0;
  }
};

// Sorts the points that lie in the box by cell; the rest is outside anyway.
template <typename T>
void sort_points(const T* point, int64_t count, const T* low, const T* high, int side,
                 Points<T>& sorted) {
  sorted.side = side;
  std::copy_n(low, 3, sorted.low);
  for (int k = 0; k < 2; ++k)
    sorted.scale[k] = high[k] > low[k] ? T(side) / (high[k] - low[k]) : T(0);
  std::vector<int32_t> cells(count);
  sorted.start.assign(side * side + 1, 0);
  for (int64_t i = 0; i < count; ++i) {
    const T* p = point + 3 * i;
    const bool within = p[0] >= low[0] && p[0] <= high[0] && p[1] >= low[1] &&
                        p[1] <= high[1] && p[2] >= low[2] && p[2] <= high[2];
    cells[i] = -1;
    if (!within) continue;
    cells[i] = sorted.cell(p[1] - low[1], 1) * side + sorted.cell(p[0] - low[0], 0);
    ++sorted.start[cells[i] + 1];
  }
  for (int c = 0; c < side * side; ++c) sorted.start[c + 1] += sorted.start[c];
  const int64_t kept = sorted.start.back();
  sorted.source.resize(kept);
  for (auto* axis : {&sorted.x, &sorted.y, &sorted.z}) axis->assign(kept + kWidth, 0);
  std::vector<int32_t> next(sorted.start.begin(), sorted.start.end() - 1);
  for (int64_t i = 0; i < count; ++i) {
    if (cells[i] < 0) continue;
    const int32_t to = next[cells[i]]++;
    sorted.source[to] = static_cast<int32_t>(i);
    sorted.x[to] = point[3 * i] - low[0];
    sorted.y[to] = point[3 * i + 1] - low[1];
    sorted.z[to] = point[3 * i + 2] - low[2];
  }
}

// Flips the parity of points [begin, end) that the triangle lies above.
template <typename T>
SVR3D_HD void flip_run(const ParityTriangle<T>& t, const T* x, const T* y, const T* z,
                       int32_t begin, int32_t end,
                       typename Points<T>::Mask* odd) {
  using Mask = typename Points<T>::Mask;
  for (int32_t i = begin; i < end; i += kWidth) {
    const Mask left = end - i;
    SVR3D_VECTORIZE
    for (int lane = 0; lane < kWidth; ++lane) {
      const Mask valid = lane < left ? Mask(-1) : Mask(0);
      odd[i + lane] ^=
          valid & crosses_above(t, x[i + lane], y[i + lane], z[i + lane]);
    }
  }
}

template <typename T, typename I>
SVR3D_HD void flip_faces(const MeshArrays<T, I>& mesh, int64_t begin, int64_t end,
                         const Points<T>& points, typename Points<T>::Mask* odd) {
  const T *x = points.x.data(), *y = points.y.data(), *z = points.z.data();
  for (int64_t f = begin; f < end; ++f) {
    const ParityTriangle<T> t =
        parity_triangle(mesh.corner(f, 0), mesh.corner(f, 1), mesh.corner(f, 2),
                        points.low);
    // Rounding may put an edge a little outside the corners' box: one hundredth of a
    // cell more on either side.
    const T pad = T(0.01);
    T range[2][2];
    for (int k = 0; k < 2; ++k) {
      range[k][0] = t.low[k] * points.scale[k] - pad;
      range[k][1] = t.high[k] * points.scale[k] + pad;
      for (T& c : range[k]) c = c > 0 ? smaller(c, T(points.side - 1)) : T(0);
    }
    const int first = static_cast<int>(range[0][0]);
    const int last = static_cast<int>(range[0][1]);
    for (int row = static_cast<int>(range[1][0]); row <= static_cast<int>(range[1][1]);
         ++row) {
      const int64_t cell = int64_t(row) * points.side;
      flip_run(t, x, y, z, points.start[cell + first], points.start[cell + last + 1],
               odd);
    }
  }
}

SVR3D_CLONES void flip(const MeshArrays<float, int32_t>& mesh, int64_t begin,
                       int64_t end, const Points<float>& points, int* odd) {
  flip_faces(mesh, begin, end, points, odd);
}
SVR3D_CLONES void flip(const MeshArrays<float, int64_t>& mesh, int64_t begin,
                       int64_t end, const Points<float>& points, int* odd) {
  flip_faces(mesh, begin, end, points, odd);
}
SVR3D_CLONES void flip(const MeshArrays<double, int32_t>& mesh, int64_t begin,
                       int64_t end, const Points<double>& points, long long* odd) {
  flip_faces(mesh, begin, end, points, odd);
}
SVR3D_CLONES void flip(const MeshArrays<double, int64_t>& mesh, int64_t begin,
                       int64_t end, const Points<double>& points, long long* odd) {
  flip_faces(mesh, begin, end, points, odd);
}

template <typename T, typename I>
void run(const Tensor& vertices, const Tensor& faces, const Tensor& queries,
         bool* inside) {
  using Mask = typename Points<T>::Mask;
  const int64_t count = queries.size(0);
  std::fill(inside, inside + count, false);
  const MeshArrays<T, I> mesh(vertices, faces);
  const T* point = queries.const_data_ptr<T>();
  STD_TORCH_CHECK(all_finite(point, 3 * count), "points must be finite");
  if (mesh.num_faces == 0 || count == 0) return;
  T low[3], high[3];
  mesh.bounds(low, high);
  Points<T> points;
  const int side = mesh.num_faces > 50000 ? 128 : 64;
  sort_points(point, count, low, high, side, points);
  const int64_t parts = std::max<int64_t>(
      1, std::min<int64_t>(torch::stable::get_num_threads(),
                           mesh.num_faces / kFacesPerThread));
  std::vector<std::vector<Mask>> odd(parts);
  torch::stable::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      odd[p].assign(points.x.size(), 0);
      flip(mesh, mesh.num_faces * p / parts, mesh.num_faces * (p + 1) / parts, points,
           odd[p].data());
    }
  });
  for (size_t i = 0; i < points.source.size(); ++i) {
    Mask total = 0;
    for (const auto& own : odd) total ^= own[i];
    inside[points.source[i]] = total != 0;
  }
}

Tensor points_in_mesh_parity(Tensor vertices, Tensor faces, Tensor points) {
  const bool narrow = faces.scalar_type() == ScalarType::Int;
  const bool single = points.scalar_type() == ScalarType::Float;
  const ScalarType type = single ? ScalarType::Float : ScalarType::Double;
  check_tensor(vertices, "vertices", type, {-1, 3});
  check_tensor(points, "points", type, {-1, 3});
  check_tensor(faces, "faces", narrow ? ScalarType::Int : ScalarType::Long, {-1, 3});
  STD_TORCH_CHECK(points.size(0) < INT32_MAX - kWidth,
                  "points must fit 32-bit indices");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  Tensor out = new_tensor(points, {points.size(0)}, ScalarType::Bool);
  const auto kernel = single ? (narrow ? run<float, int32_t> : run<float, int64_t>)
                             : (narrow ? run<double, int32_t> : run<double, int64_t>);
  kernel(vertices, faces, points, out.mutable_data_ptr<bool>());
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def("points_in_mesh_parity(Tensor vertices, Tensor faces, Tensor points) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("points_in_mesh_parity", TORCH_BOX(&svr3d::points_in_mesh_parity));
}
