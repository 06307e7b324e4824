// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <vector>

#include "../common/tensor.h"
#include "farthest_points.h"

namespace svr3d {
namespace {

constexpr int64_t kLanes = 16, kBlock = 512;  // a block is a whole number of lanes

// Shortens the distances by those to one point, and returns the largest.
template <typename T>
SVR3D_HD T shorten(const T* x, const T* y, const T* z, const Vec3<T>& p, T* nearest) {
  T most[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) most[lane] = -1;
  for (int64_t i = 0; i < kBlock; i += kLanes) {
    SVR3D_VECTORIZE
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t n = i + lane;
      const T d = squared_distance(Vec3<T>{x[n], y[n], z[n]}, p);
      nearest[n] = d < nearest[n] ? d : nearest[n];
      most[lane] = nearest[n] > most[lane] ? nearest[n] : most[lane];
    }
  }
  T best = -1;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    best = most[lane] > best ? most[lane] : best;
  return best;
}

// Of several points as far as the farthest, the one of the lowest index is taken.
template <typename T>
SVR3D_CLONES void sample(const T* cloud, int64_t count, int64_t wanted, int64_t start,
                         int64_t* out) {
  const int64_t padded = (count + kBlock - 1) / kBlock * kBlock;
  std::vector<T> axes(3 * padded);  // x, y and z apart, so that the loop vectorises
  // Nothing is nearer than what fills up the last block, nor is it ever farthest.
  std::vector<T> nearest(padded, T(-1));
  T *x = axes.data(), *y = x + padded, *z = y + padded;
  for (int64_t i = 0; i < count; ++i) {
    x[i] = cloud[3 * i];
    y[i] = cloud[3 * i + 1];
    z[i] = cloud[3 * i + 2];
    nearest[i] = std::numeric_limits<T>::infinity();
  }
  int64_t last = start;
  for (int64_t n = 0; n < wanted; ++n) {
    out[n] = last;
    const Vec3<T> p = load3(cloud + 3 * last);
    T best = -1;
    int64_t best_block = 0;
    for (int64_t i = 0; i < padded; i += kBlock) {
      const T most = shorten(x + i, y + i, z + i, p, nearest.data() + i);
      if (!(most > best)) continue;
      best = most;
      best_block = i;
    }
    last = best_block;
    while (nearest[last] != best) ++last;
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
    for (int64_t b = begin; b < end; ++b)
      sample(cloud + 3 * count * b, length[b], wanted, start, out + wanted * b);
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
