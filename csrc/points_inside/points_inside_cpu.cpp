// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "../common/packets.h"
#include "../common/tensor.h"
#include "../winding_number/tree.h"
#include "parts.h"

namespace svr3d {
namespace {

// A decision at one half needs no finer expansion.
constexpr double kBeta = 2.0;

struct Solid {
  std::vector<Part> parts;
  std::vector<WindingTree<float>> trees;  // one per part
  WindingTree<float> open{nullptr, 0, kBeta, false};  // all open parts together
  int64_t num_open = 0;
  double low[3], high[3];
  double origin[3], scale;  // to the unit cube, where float has its precision
};

Solid build(std::vector<Part> parts) {
  Solid solid;
  solid.parts = std::move(parts);
  for (int k = 0; k < 3; ++k) {
    solid.low[k] = 1e300;
    solid.high[k] = -1e300;
    for (const Part& part : solid.parts) {
      solid.low[k] = std::min(solid.low[k], part.low[k]);
      solid.high[k] = std::max(solid.high[k], part.high[k]);
    }
  }
  double extent = 0;
  for (int k = 0; k < 3; ++k) {
    solid.origin[k] = (solid.low[k] + solid.high[k]) / 2;
    extent = std::max(extent, solid.high[k] - solid.low[k]);
  }
  solid.scale = extent > 0 ? 1 / extent : 1;
  std::vector<double> open;
  for (const Part& part : solid.parts) {
    std::vector<double> corners(part.corners);
    for (size_t i = 0; i < corners.size(); ++i)
      corners[i] = (corners[i] - solid.origin[i % 3]) * solid.scale;
    solid.trees.emplace_back(corners.data(), corners.size() / 9, kBeta, false);
    if (!part.closed) {
      open.insert(open.end(), corners.begin(), corners.end());
      ++solid.num_open;
    }
  }
  solid.open = WindingTree<float>(open.data(), open.size() / 9, kBeta, false);
  return solid;
}

bool contains(const double* low, const double* high, const double* p) {
  return p[0] >= low[0] && p[0] <= high[0] && p[1] >= low[1] && p[1] <= high[1] &&
         p[2] >= low[2] && p[2] <= high[2];
}

// Decides one packet; `points` are its kLanes positions.
void decide(const Solid& solid, const double points[kLanes][3], bool* inside) {
  double low[3] = {1e300, 1e300, 1e300}, high[3] = {-1e300, -1e300, -1e300};
  Packet<float> packet;
  int undecided = 0;
  bool possible[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    inside[i] = false;
    possible[i] = contains(solid.low, solid.high, points[i]);
    undecided += possible[i];
    float* axes[3] = {packet.x, packet.y, packet.z};
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], points[i][k]);
      high[k] = std::max(high[k], points[i][k]);
      axes[k][i] =
          static_cast<float>((points[i][k] - solid.origin[k]) * solid.scale);
    }
  }
  if (undecided == 0) return;
  float total[kLanes] = {0};
  for (size_t n = 0; n < solid.parts.size() && undecided > 0; ++n) {
    const Part& part = solid.parts[n];
    if (low[0] > part.high[0] || high[0] < part.low[0] || low[1] > part.high[1] ||
        high[1] < part.low[1] || low[2] > part.high[2] || high[2] < part.low[2])
      continue;
    if (!part.closed && solid.num_open == 1) continue;  // the sum decides alone
    float winding[kLanes] = {0};
    solid.trees[n].accumulate(packet, winding);
    for (int i = 0; i < kLanes; ++i) {
      // Outside its box a part's winding number cannot exceed one half, unless
      // the part winds around itself several times.
      if (!contains(part.low, part.high, points[i])) continue;
      if (part.closed) total[i] += winding[i];
      if (winding[i] > 0.5f && possible[i] && !inside[i]) {
        inside[i] = true;
        --undecided;
      }
    }
  }
  if (undecided == 0 || solid.num_open == 0) return;
  solid.open.accumulate(packet, total);
  for (int i = 0; i < kLanes; ++i)
    inside[i] = inside[i] || (possible[i] && total[i] > 0.5f);
}

Tensor points_inside(Tensor vertices, Tensor faces, Tensor points) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_tensor(points, "points", ScalarType::Double, {-1, 3});
  STD_TORCH_CHECK(vertices.size(0) < INT32_MAX && faces.size(0) < INT32_MAX / 4 &&
                      points.size(0) < INT32_MAX,
                  "vertices, faces and points must fit 32-bit indices");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  check_faces(faces, vertices.size(0));
  const int64_t count = points.size(0);
  Tensor out = new_tensor(points, {count}, ScalarType::Bool);
  bool* data = out.mutable_data_ptr<bool>();
  const double* point = points.const_data_ptr<double>();
  const Solid solid = build(split_parts(
      vertices.const_data_ptr<double>(), vertices.size(0),
      faces.const_data_ptr<int64_t>(), faces.size(0)));
  const std::vector<int32_t> order = morton_order(point, count);
  const int64_t packets = (count + kLanes - 1) / kLanes;
  torch::stable::parallel_for(0, packets, 16, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      double positions[kLanes][3];
      bool inside[kLanes];
      const int64_t first = n * kLanes;
      for (int i = 0; i < kLanes; ++i) {
        const int64_t source = order[std::min<int64_t>(first + i, count - 1)];
        std::copy_n(point + 3 * source, 3, positions[i]);
      }
      decide(solid, positions, inside);
      for (int i = 0; i < kLanes && first + i < count; ++i)
        data[order[first + i]] = inside[i];
    }
  });
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("points_inside", TORCH_BOX(&svr3d::points_inside));
}
