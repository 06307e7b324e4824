// SPDX-License-Identifier: Apache-2.0
// Points are sorted by the cells of a plane grid, so that a triangle meets its points
// in few runs; each run is tested lane by lane. Counts add up in any order: threads
// share the triangles, each with counts of its own.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "../common/counting_sort.h"
#include "count_crossings.h"
#include "crossings.h"

namespace svr3d {
namespace {

constexpr int kWidth = 16;
constexpr int64_t kFaceBlock = 128;

template <typename T>
struct Points {
  int side;            // cells along x and along y
  T low[3], scale[2];  // corner of the box; cells per length
  int64_t count;
  std::vector<int32_t> start;
  std::unique_ptr<int32_t[]> source;
  std::unique_ptr<T[]> x, y, z;  // relative to the corner

  int cell(T value, int axis) const {
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
  CountingSort by_cell(count, side * side, [&](int64_t i) -> int32_t {
    const T* p = point + 3 * i;
    const bool within = p[0] >= low[0] && p[0] <= high[0] && p[1] >= low[1] &&
                        p[1] <= high[1] && p[2] >= low[2] && p[2] <= high[2];
    if (!within) return -1;
    return sorted.cell(p[1] - low[1], 1) * side + sorted.cell(p[0] - low[0], 0);
  });
  sorted.start = by_cell.start();
  sorted.count = by_cell.kept();
  sorted.source.reset(new int32_t[sorted.count]);
  for (auto* axis : {&sorted.x, &sorted.y, &sorted.z}) {
    axis->reset(new T[sorted.count + kWidth]);
    std::fill_n(axis->get() + sorted.count, kWidth, T(0));
  }
  by_cell.place([&](int64_t i, int32_t to) {
    sorted.source[to] = static_cast<int32_t>(i);
    sorted.x[to] = point[3 * i] - low[0];
    sorted.y[to] = point[3 * i + 1] - low[1];
    sorted.z[to] = point[3 * i + 2] - low[2];
  });
}

// Counts the triangle for the points [begin, end) that it lies above.
template <typename T>
SVR3D_HD void count_run(const CrossedTriangle<T>& t, const T* x, const T* y,
                        const T* z, int32_t begin, int32_t end, Lane<T>* counts) {
  for (int32_t i = begin; i < end; i += kWidth) {
    const Lane<T> left = end - i;
    SVR3D_VECTORIZE
    for (int lane = 0; lane < kWidth; ++lane) {
      const Lane<T> valid = lane < left ? Lane<T>(-1) : Lane<T>(0);
      counts[i + lane] +=
          valid & crossing_above(t, x[i + lane], y[i + lane], z[i + lane]);
    }
  }
}

template <typename T, typename I>
SVR3D_HD void count_faces(const MeshArrays<T, I>& mesh, int64_t begin, int64_t end,
                          const Points<T>& points, Lane<T>* counts) {
  const T *x = points.x.get(), *y = points.y.get(), *z = points.z.get();
  for (int64_t f = begin; f < end; ++f) {
    const CrossedTriangle<T> t =
        crossed_triangle(mesh.corner(f, 0), mesh.corner(f, 1), mesh.corner(f, 2),
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
      count_run(t, x, y, z, points.start[cell + first], points.start[cell + last + 1],
                counts);
    }
  }
}

SVR3D_CLONES void count(const MeshArrays<float, int32_t>& mesh, int64_t begin,
                        int64_t end, const Points<float>& points, int* counts) {
  count_faces(mesh, begin, end, points, counts);
}
SVR3D_CLONES void count(const MeshArrays<float, int64_t>& mesh, int64_t begin,
                        int64_t end, const Points<float>& points, int* counts) {
  count_faces(mesh, begin, end, points, counts);
}
SVR3D_CLONES void count(const MeshArrays<double, int32_t>& mesh, int64_t begin,
                        int64_t end, const Points<double>& points, long long* counts) {
  count_faces(mesh, begin, end, points, counts);
}
SVR3D_CLONES void count(const MeshArrays<double, int64_t>& mesh, int64_t begin,
                        int64_t end, const Points<double>& points, long long* counts) {
  count_faces(mesh, begin, end, points, counts);
}

}  // namespace

template <typename T, typename I>
void count_crossings(const MeshArrays<T, I>& mesh, const T* point, int64_t num_points,
                     int32_t* crossings) {
  std::fill(crossings, crossings + num_points, 0);
  if (mesh.num_faces == 0 || num_points == 0) return;
  T low[3], high[3];
  mesh.bounds(low, high);
  Points<T> points;
  const int side = mesh.num_faces > 50000 ? 128 : 64;
  sort_points(point, num_points, low, high, side, points);
  const int64_t blocks = (mesh.num_faces + kFaceBlock - 1) / kFaceBlock;
  const int64_t parts = num_chunks(blocks, 4);
  const int64_t stride = points.count + kWidth;
  const std::unique_ptr<Lane<T>[]> counts(new Lane<T>[parts * stride]);
  std::atomic<int64_t> next{0};  // blocks differ much in their work
  for_chunks(parts, parts, [&](int64_t part, int64_t, int64_t) {
    Lane<T>* own = counts.get() + part * stride;
    std::fill_n(own, stride, Lane<T>(0));
    for (int64_t block; (block = next++) < blocks;)
      count(mesh, block * kFaceBlock,
            std::min((block + 1) * kFaceBlock, mesh.num_faces), points, own);
  });
  for_chunks(points.count, num_chunks(points.count, 8192),
             [&](int64_t, int64_t begin, int64_t end) {
               for (int64_t i = begin; i < end; ++i) {
                 Lane<T> total = 0;
                 for (int64_t p = 0; p < parts; ++p) total += counts[p * stride + i];
                 crossings[points.source[i]] = static_cast<int32_t>(total);
               }
             });
}

template void count_crossings(const MeshArrays<float, int32_t>&, const float*, int64_t,
                              int32_t*);
template void count_crossings(const MeshArrays<float, int64_t>&, const float*, int64_t,
                              int32_t*);
template void count_crossings(const MeshArrays<double, int32_t>&, const double*,
                              int64_t, int32_t*);
template void count_crossings(const MeshArrays<double, int64_t>&, const double*,
                              int64_t, int32_t*);

}  // namespace svr3d
