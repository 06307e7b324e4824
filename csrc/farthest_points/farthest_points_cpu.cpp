// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <vector>

#include "../common/tensor.h"
#include "farthest_points.h"

namespace svr3d {
namespace {

template <typename T>
SVR3D_CLONES void sample(const T* cloud, int64_t count, int64_t wanted, int64_t start,
                         T* nearest, int64_t* out) {
  std::vector<T> axes(3 * count);  // x, y and z apart, so that the loop vectorises
  for (int64_t i = 0; i < count; ++i)
    for (int k = 0; k < 3; ++k) axes[k * count + i] = cloud[3 * i + k];
  const T *x = axes.data(), *y = x + count, *z = y + count;
  for (int64_t i = 0; i < count; ++i) nearest[i] = std::numeric_limits<T>::infinity();
  int64_t last = start;
  for (int64_t n = 0; n < wanted; ++n) {
    out[n] = last;
    const Vec3<T> p = load3(cloud + 3 * last);
    SVR3D_VECTORIZE
    for (int64_t i = 0; i < count; ++i) {
      const T d = squared_distance(Vec3<T>{x[i], y[i], z[i]}, p);
      nearest[i] = d < nearest[i] ? d : nearest[i];
    }
    T best = -1;
    int64_t best_index = count;
    for (int64_t i = 0; i < count; ++i)
      if (is_farther(nearest[i], i, best, best_index)) {
        best = nearest[i];
        best_index = i;
      }
    last = best_index;
  }
}

template <typename T>
void run(const Tensor& points, const Tensor& lengths, int64_t wanted, int64_t start,
         Tensor& indices) {
  const int64_t batch = points.size(0), count = points.size(1);
  const T* cloud = points.const_data_ptr<T>();
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  int64_t* out = indices.mutable_data_ptr<int64_t>();
  torch::stable::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> nearest(count);
    for (int64_t b = begin; b < end; ++b)
      sample(cloud + 3 * count * b, length[b], wanted, start, nearest.data(),
             out + wanted * b);
  });
}

Tensor farthest_points(Tensor points, Tensor lengths, int64_t count, int64_t start) {
  check_tensor(points, "points", points.scalar_type(), {-1, -1, 3});
  check_tensor(lengths, "lengths", ScalarType::Long, {points.size(0)});
  points = torch::stable::contiguous(points);
  lengths = torch::stable::contiguous(lengths);
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < points.size(0); ++b)
    STD_TORCH_CHECK(count >= 0 && start >= 0 && length[b] <= points.size(1) &&
                        (count == 0 || start < length[b]),
                    "lengths must lie between start + 1 and the number of points");
  Tensor indices = new_tensor(points, {points.size(0), count}, ScalarType::Long);
  if (points.scalar_type() == ScalarType::Double)
    run<double>(points, lengths, count, start, indices);
  else
    run<float>(points, lengths, count, start, indices);
  return indices;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "farthest_points(Tensor points, Tensor lengths, SymInt count, SymInt start) "
      "-> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("farthest_points", TORCH_BOX(&svr3d::farthest_points));
}
