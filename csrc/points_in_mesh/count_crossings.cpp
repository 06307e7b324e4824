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

// A grid over the box of the mesh, of `side` cells along x and along y.
template <typename T>
struct Plane {
  int side;
  T low[3], high[3], scale[2];  // cells per length
};

template <typename T>
struct Points {
  Plane<T> plane;
  int64_t count;
  std::vector<int32_t> start;
  std::unique_ptr<int32_t[]> source;
  std::unique_ptr<T[]> x, y, z;  // relative to the corner
};

// Cells of some points; those outside the box, which are outside anyway, have none.
template <typename T>
SVR3D_HD void cells_of(const Plane<T>& box, const T* points, int64_t count,
                       int32_t* cells) {
  const Plane<T> plane = box;  // a copy, which what is written cannot change
  const T most = T(plane.side - 1);
  const int32_t none = plane.side * plane.side;
  SVR3D_VECTORIZE
  for (int64_t i = 0; i < count; ++i) {
    const T x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
    const bool within = (x >= plane.low[0]) & (x <= plane.high[0]) &
                        (y >= plane.low[1]) & (y <= plane.high[1]) &
                        (z >= plane.low[2]) & (z <= plane.high[2]);
    T column = smaller((x - plane.low[0]) * plane.scale[0], most);
    T row = smaller((y - plane.low[1]) * plane.scale[1], most);
    column = column > 0 ? column : T(0);
    row = row > 0 ? row : T(0);
    const int32_t cell =
        static_cast<int32_t>(row) * plane.side + static_cast<int32_t>(column);
    cells[i] = within ? cell : none;
  }
}

SVR3D_CLONES void find_cells(const Plane<float>& plane, const float* points,
                             int64_t count, int32_t* cells) {
  cells_of(plane, points, count, cells);
}
SVR3D_CLONES void find_cells(const Plane<double>& plane, const double* points,
                             int64_t count, int32_t* cells) {
  cells_of(plane, points, count, cells);
}

// Sorts the points that lie in the box by cell.
template <typename T>
void sort_points(const T* point, int64_t count, Points<T>& sorted) {
  const Plane<T>& plane = sorted.plane;
  CountingSort by_cell(count, plane.side * plane.side,
                       [&](int64_t begin, int64_t end, int32_t* cells) {
                         find_cells(plane, point + 3 * begin, end - begin, cells);
                       });
  sorted.start = by_cell.start();
  sorted.count = by_cell.kept();
  sorted.source.reset(new int32_t[count]);
  for (auto* axis : {&sorted.x, &sorted.y, &sorted.z}) {
    axis->reset(new T[sorted.count + kWidth]);
    std::fill_n(axis->get() + sorted.count, kWidth, T(0));
  }
  by_cell.place([&](int64_t i, int32_t to) {
    sorted.source[to] = static_cast<int32_t>(i);
  });
  // Reading here and there costs less than writing four arrays here and there.
  for_chunks(sorted.count, num_chunks(sorted.count, 8192),
             [&](int64_t, int64_t begin, int64_t end) {
               for (int64_t i = begin; i < end; ++i) {
                 const T* p = point + 3 * int64_t(sorted.source[i]);
                 sorted.x[i] = p[0] - plane.low[0];
                 sorted.y[i] = p[1] - plane.low[1];
                 sorted.z[i] = p[2] - plane.low[2];
               }
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
  const Plane<T>& plane = points.plane;
  const T *x = points.x.get(), *y = points.y.get(), *z = points.z.get();
  for (int64_t f = begin; f < end; ++f) {
    const CrossedTriangle<T> t =
        crossed_triangle(mesh.corner(f, 0), mesh.corner(f, 1), mesh.corner(f, 2),
                         plane.low);
    // Rounding may put an edge a little outside the corners' box: one hundredth of a
    // cell more on either side.
    const T pad = T(0.01);
    T range[2][2];
    for (int k = 0; k < 2; ++k) {
      range[k][0] = t.low[k] * plane.scale[k] - pad;
      range[k][1] = t.high[k] * plane.scale[k] + pad;
      for (T& c : range[k]) c = c > 0 ? smaller(c, T(plane.side - 1)) : T(0);
    }
    const int first = static_cast<int>(range[0][0]);
    const int last = static_cast<int>(range[0][1]);
    for (int row = static_cast<int>(range[1][0]); row <= static_cast<int>(range[1][1]);
         ++row) {
      const int64_t cell = int64_t(row) * plane.side;
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
  Points<T> points;
  Plane<T>& plane = points.plane;
  mesh.bounds(plane.low, plane.high);
  plane.side = mesh.num_faces > 50000 ? 128 : 64;
  for (int k = 0; k < 2; ++k) {
    const T extent = plane.high[k] - plane.low[k];
    plane.scale[k] = extent > 0 ? T(plane.side) / extent : T(0);
  }
  sort_points(point, num_points, points);
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
