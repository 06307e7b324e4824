// SPDX-License-Identifier: Apache-2.0
#include "nearest_neighbors.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "../common/tensor.h"
#include "search.h"

namespace svr3d {
namespace {

constexpr int64_t kPacketsPerTask = 32;

template <typename T>
struct Clouds {
  const T* points;
  const int64_t* lengths;
  int64_t batch, size;
  std::vector<CloudIndex<T>> indexes;

  Clouds(const Tensor& tensor, const Tensor& length)
      : points(tensor.const_data_ptr<T>()),
        lengths(length.const_data_ptr<int64_t>()),
        batch(tensor.size(0)),
        size(tensor.size(1)),
        indexes(batch) {}

  void build(int64_t b) { indexes[b].build(points + 3 * size * b, lengths[b]); }
};

void check_clouds(const Tensor& points, const Tensor& lengths, const char* name,
                  ScalarType type, int64_t batch) {
  check_tensor(points, name, type, {batch, -1, 3});
  check_tensor(lengths, name, ScalarType::Long, {batch});
  STD_TORCH_CHECK(points.size(1) < kNoPoint, name, " must have fewer than 2^31 points");
  const Tensor packed = torch::stable::contiguous(lengths);
  const int64_t* length = packed.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < batch; ++b)
    STD_TORCH_CHECK(length[b] >= 0 && length[b] <= points.size(1), name,
                    ": lengths must lie between 0 and the number of points");
}

template <typename T>
void search_clouds(const Clouds<T>& queries, const Clouds<T>& points, int64_t k,
                   Tensor& distances, Tensor& indices) {
  T* distance = distances.mutable_data_ptr<T>();
  int64_t* index = indices.mutable_data_ptr<int64_t>();
  const int64_t row = queries.size * k;
  std::vector<int64_t> starts(queries.batch + 1, 0);  // first packet of each cloud
  for (int64_t b = 0; b < queries.batch; ++b) {
    starts[b + 1] = starts[b] + queries.indexes[b].leaves();
    const int64_t used = queries.lengths[b] * k;  // padding has no neighbours
    std::fill(distance + row * b + used, distance + row * (b + 1),
              std::numeric_limits<T>::infinity());
    std::fill(index + row * b + used, index + row * (b + 1), int64_t{-1});
  }
  torch::stable::parallel_for(
      0, starts.back(), kPacketsPerTask, [&](int64_t begin, int64_t end) {
        int64_t b = std::upper_bound(starts.begin(), starts.end(), begin) -
                    starts.begin() - 1;
        for (; begin < end; ++b) {
          const int64_t stop = std::min(end, starts[b + 1]);
          if (stop > begin)
            search(queries.indexes[b], points.indexes[b], k, begin - starts[b],
                   stop - starts[b], distance + row * b, index + row * b);
          begin = std::max(begin, stop);
        }
      });
}

using Found = std::tuple<Tensor, Tensor>;
using FoundBoth = std::tuple<Tensor, Tensor, Tensor, Tensor>;

// Neighbours of x in y and, if wanted, of y in x.
template <typename T>
FoundBoth run(const Tensor& x, const Tensor& y, const Tensor& x_lengths,
              const Tensor& y_lengths, int64_t k, bool both) {
  Clouds<T> first(x, x_lengths), second(y, y_lengths);
  torch::stable::parallel_for(0, 2 * first.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      i % 2 ? second.build(i / 2) : first.build(i / 2);
  });
  const auto outputs = [k](const Tensor& queries) {
    const int64_t batch = queries.size(0), size = queries.size(1);
    return Found(new_tensor(queries, {batch, size, k}, queries.scalar_type()),
                 new_tensor(queries, {batch, size, k}, ScalarType::Long));
  };
  auto [x_distances, x_indices] = outputs(x);
  search_clouds(first, second, k, x_distances, x_indices);
  if (!both) return {x_distances, x_indices, x_distances, x_indices};
  auto [y_distances, y_indices] = outputs(y);
  search_clouds(second, first, k, y_distances, y_indices);
  return {x_distances, x_indices, y_distances, y_indices};
}

FoundBoth dispatch(const Tensor& x, const Tensor& y, const Tensor& x_lengths,
                   const Tensor& y_lengths, int64_t k, bool both) {
  check_clouds(x, x_lengths, "queries", x.scalar_type(), x.size(0));
  check_clouds(y, y_lengths, "points", x.scalar_type(), x.size(0));
  STD_TORCH_CHECK(k >= 1, "k must be positive");
  const auto packed = [](const Tensor& t) { return torch::stable::contiguous(t); };
  if (x.scalar_type() == ScalarType::Double)
    return run<double>(packed(x), packed(y), packed(x_lengths), packed(y_lengths), k,
                       both);
  return run<float>(packed(x), packed(y), packed(x_lengths), packed(y_lengths), k,
                    both);
}

Found nearest_neighbors(Tensor queries, Tensor points, Tensor query_lengths,
                        Tensor point_lengths, int64_t k) {
  auto found = dispatch(queries, points, query_lengths, point_lengths, k, false);
  return {std::get<0>(found), std::get<1>(found)};
}

FoundBoth nearest_neighbors_both(Tensor x, Tensor y, Tensor x_lengths,
                                 Tensor y_lengths) {
  return dispatch(x, y, x_lengths, y_lengths, 1, true);
}

// Adds the gradient of one cloud pair for points [first, last) and, from the slice
// that starts at 0, for all queries. Queries come in order: sums do not depend on
// how the points are shared out.
template <typename T>
void add_gradient(const T* grad, const T* queries, const T* points,
                  const int64_t* indices, int64_t query_count, int64_t k, int64_t first,
                  int64_t last, bool with_queries, T* grad_queries, T* grad_points) {
  for (int64_t i = 0; i < query_count; ++i) {
    const Vec3<T> query = load3(queries + 3 * i);
    Vec3<T> sum{0, 0, 0};
    for (int64_t n = i * k; n < (i + 1) * k; ++n) {
      const int64_t j = indices[n];
      if (j < 0) continue;  // no neighbour
      const bool mine = j >= first && j < last;
      if (!mine && !with_queries) continue;
      const Vec3<T> g = distance_gradient(query, load3(points + 3 * j), grad[n]);
      sum = sum + g;
      if (!mine) continue;
      grad_points[3 * j] -= g.x;
      grad_points[3 * j + 1] -= g.y;
      grad_points[3 * j + 2] -= g.z;
    }
    if (!with_queries) continue;
    grad_queries[3 * i] += sum.x;
    grad_queries[3 * i + 1] += sum.y;
    grad_queries[3 * i + 2] += sum.z;
  }
}

struct Direction {
  Tensor grad, queries, points, indices;
};

template <typename T>
void add_gradients(const Direction& d, Tensor& grad_queries, Tensor& grad_points) {
  const int64_t batch = d.queries.size(0), n = d.queries.size(1);
  const int64_t m = d.points.size(1), k = d.indices.size(2);
  const T* grad = d.grad.const_data_ptr<T>();
  const T* queries = d.queries.const_data_ptr<T>();
  const T* points = d.points.const_data_ptr<T>();
  const int64_t* indices = d.indices.const_data_ptr<int64_t>();
  T* to_queries = grad_queries.mutable_data_ptr<T>();
  T* to_points = grad_points.mutable_data_ptr<T>();
  // A few slices of points per cloud, if there are fewer clouds than threads.
  const int64_t threads = torch::stable::get_num_threads();
  const int64_t slices = batch >= threads || n * k < 10000 ? 1 : threads;
  torch::stable::parallel_for(0, batch * slices, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / slices, slice = task % slices;
      add_gradient(grad + n * k * b, queries + 3 * n * b, points + 3 * m * b,
                   indices + n * k * b, n, k, m * slice / slices,
                   m * (slice + 1) / slices, slice == 0, to_queries + 3 * n * b,
                   to_points + 3 * m * b);
    }
  });
}

Direction checked(const Tensor& grad, const Tensor& queries, const Tensor& points,
                  const Tensor& indices) {
  const ScalarType type = queries.scalar_type();
  const int64_t batch = queries.size(0), n = queries.size(1), k = indices.size(2);
  check_tensor(queries, "queries", type, {-1, -1, 3});
  check_tensor(points, "points", type, {batch, -1, 3});
  check_tensor(indices, "indices", ScalarType::Long, {batch, n, -1});
  check_tensor(grad, "grad", type, {batch, n, k});
  const Tensor packed = torch::stable::contiguous(indices);
  const int64_t* index = packed.const_data_ptr<int64_t>();
  bool ok = true;
  for (int64_t i = 0; i < packed.numel(); ++i) ok = ok && index[i] < points.size(1);
  STD_TORCH_CHECK(ok, "indices must be smaller than the number of points");
  return {torch::stable::contiguous(grad), torch::stable::contiguous(queries),
          torch::stable::contiguous(points), packed};
}

void accumulate(const Direction& d, Tensor& grad_queries, Tensor& grad_points) {
  if (d.queries.scalar_type() == ScalarType::Double)
    add_gradients<double>(d, grad_queries, grad_points);
  else
    add_gradients<float>(d, grad_queries, grad_points);
}

Tensor zeros_like(const Tensor& tensor) {
  Tensor out = new_tensor(tensor, {tensor.size(0), tensor.size(1), 3},
                          tensor.scalar_type());
  torch::stable::zero_(out);
  return out;
}

Found nearest_neighbors_backward(Tensor grad, Tensor queries, Tensor points,
                                 Tensor indices) {
  Tensor grad_queries = zeros_like(queries), grad_points = zeros_like(points);
  accumulate(checked(grad, queries, points, indices), grad_queries, grad_points);
  return {grad_queries, grad_points};
}

Found nearest_neighbors_both_backward(Tensor x_grad, Tensor y_grad, Tensor x, Tensor y,
                                      Tensor x_indices, Tensor y_indices) {
  Tensor grad_x = zeros_like(x), grad_y = zeros_like(y);
  accumulate(checked(x_grad, x, y, x_indices), grad_x, grad_y);
  accumulate(checked(y_grad, y, x, y_indices), grad_y, grad_x);
  return {grad_x, grad_y};
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "nearest_neighbors(Tensor queries, Tensor points, Tensor query_lengths, "
      "Tensor point_lengths, SymInt k) -> (Tensor squared_distances, Tensor indices)");
  m.def(
      "nearest_neighbors_both(Tensor x, Tensor y, Tensor x_lengths, Tensor y_lengths) "
      "-> (Tensor x_squared_distances, Tensor x_indices, Tensor y_squared_distances, "
      "Tensor y_indices)");
  m.def(
      "nearest_neighbors_backward(Tensor grad, Tensor queries, Tensor points, "
      "Tensor indices) -> (Tensor grad_queries, Tensor grad_points)");
  m.def(
      "nearest_neighbors_both_backward(Tensor x_grad, Tensor y_grad, Tensor x, "
      "Tensor y, Tensor x_indices, Tensor y_indices) -> (Tensor grad_x, "
      "Tensor grad_y)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("nearest_neighbors", TORCH_BOX(&svr3d::nearest_neighbors));
  m.impl("nearest_neighbors_both", TORCH_BOX(&svr3d::nearest_neighbors_both));
  m.impl("nearest_neighbors_backward", TORCH_BOX(&svr3d::nearest_neighbors_backward));
  m.impl("nearest_neighbors_both_backward",
         TORCH_BOX(&svr3d::nearest_neighbors_both_backward));
}
