// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "../common/packed_meshes.h"
#include "hash_rule.h"

namespace svr3d {
namespace {

// The published table has a bucket per cell of the hash. Buckets of several cells
// hold fewer copies of a triangle; the cells themselves are compared as well, so that
// the triangles asked about a point stay the same.
constexpr int kBucketsPerAxis = 64;

class Table {
 public:
  Table(std::vector<double> triangles, int resolution)
      : triangles_(std::move(triangles)), resolution_(resolution) {
    shift_ = 0;
    while ((resolution - 1) >> shift_ >= kBucketsPerAxis) ++shift_;
    const int64_t count = triangles_.size() / 9;
    for (int64_t f = 0; f < count; ++f)
      cells_.push_back(hash_cells(triangles_.data() + 9 * f, resolution));
    start_.assign(kBucketsPerAxis * kBucketsPerAxis + 1, 0);
    each_bucket([&](int64_t, int bucket) { ++start_[bucket + 1]; });
    for (size_t b = 1; b < start_.size(); ++b) start_[b] += start_[b - 1];
    std::vector<int64_t> next(start_.begin(), start_.end() - 1);
    members_.resize(start_.back());
    each_bucket([&](int64_t f, int bucket) { members_[next[bucket]++] = f; });
  }

  bool contains(const double* p) const {
    for (int k = 0; k < 3; ++k)
      if (!(p[k] >= 0 && p[k] <= resolution_)) return false;
    const int x = static_cast<int>(p[0]), y = static_cast<int>(p[1]);
    if (x >= resolution_ || y >= resolution_) return false;
    const int bucket = (x >> shift_) * kBucketsPerAxis + (y >> shift_);
    int above = 0, below = 0;
    for (int64_t i = start_[bucket]; i < start_[bucket + 1]; ++i) {
      const HashCells& cells = cells_[members_[i]];
      if (x < cells.low[0] || x > cells.high[0] || y < cells.low[1] ||
          y > cells.high[1])
        continue;
      const double* t = triangles_.data() + 9 * members_[i];
      if (!strictly_within(t, p[0], p[1])) continue;
      const int side = side_of(t, p);
      above += side == 1;
      below += side == 0;
    }
    return above % 2 == 1 && below % 2 == 1;
  }

 private:
  template <typename F>
  void each_bucket(const F& visit) const {
    for (size_t f = 0; f < cells_.size(); ++f)
      for (int x = cells_[f].low[0] >> shift_; x <= cells_[f].high[0] >> shift_; ++x)
        for (int y = cells_[f].low[1] >> shift_; y <= cells_[f].high[1] >> shift_; ++y)
          visit(static_cast<int64_t>(f), x * kBucketsPerAxis + y);
  }

  std::vector<double> triangles_;
  int resolution_, shift_;
  std::vector<HashCells> cells_;
  std::vector<int64_t> start_, members_;
};

Tensor points_in_mesh_hash(Tensor vertices, Tensor faces, Tensor points,
                           int64_t resolution) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_tensor(points, "points", ScalarType::Double, {-1, 3});
  STD_TORCH_CHECK(resolution >= 2 && resolution <= 32768,
                  "resolution must be 2 to 32768, found ", resolution);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  check_faces(faces, vertices.size(0));
  const int64_t count = points.size(0);
  Tensor out = new_tensor(points, {count}, ScalarType::Bool);
  bool* inside = out.mutable_data_ptr<bool>();
  const double* vertex = vertices.const_data_ptr<double>();
  const double* point = points.const_data_ptr<double>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  std::vector<double> triangles(9 * faces.size(0));
  double low[3], high[3], scale[3], shift[3];
  bool flat = triangles.empty();
  for (int k = 0; k < 3 && !triangles.empty(); ++k) {
    low[k] = high[k] = vertex[3 * face[0] + k];
    for (int64_t i = 0; i < faces.numel(); ++i) {
      const double value = triangles[3 * i + k] = vertex[3 * face[i] + k];
      low[k] = std::min(low[k], value);
      high[k] = std::max(high[k], value);
    }
    // The box becomes half a cell narrower than the hash on either side.
    scale[k] = double(resolution - 1) / (high[k] - low[k]);
    shift[k] = 0.5 - scale[k] * low[k];
    flat = flat || !std::isfinite(scale[k]) || !std::isfinite(shift[k]);
  }
  if (flat) {
    std::fill(inside, inside + count, false);
    return out;
  }
  for (size_t i = 0; i < triangles.size(); ++i)
    triangles[i] = scale[i % 3] * triangles[i] + shift[i % 3];
  const Table table(std::move(triangles), static_cast<int>(resolution));
  torch::stable::parallel_for(0, count, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double p[3];
      for (int k = 0; k < 3; ++k) p[k] = scale[k] * point[3 * i + k] + shift[k];
      inside[i] = table.contains(p);
    }
  });
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "points_in_mesh_hash(Tensor vertices, Tensor faces, Tensor points, "
      "SymInt resolution) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("points_in_mesh_hash", TORCH_BOX(&svr3d::points_in_mesh_hash));
}
