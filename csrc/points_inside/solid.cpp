// SPDX-License-Identifier: Apache-2.0
#include "solid.h"

#include <algorithm>

namespace svr3d {
namespace {

bool contains(const double* low, const double* high, const double* p) {
  return p[0] >= low[0] && p[0] <= high[0] && p[1] >= low[1] && p[1] <= high[1] &&
         p[2] >= low[2] && p[2] <= high[2];
}

}  // namespace

Solid build_solid(std::vector<Part> parts, bool closed_trees) {
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
  const auto open_parts = std::count_if(solid.parts.begin(), solid.parts.end(),
                                        [](const Part& part) { return !part.closed; });
  for (const Part& part : solid.parts) {
    if (part.closed && !closed_trees) {
      solid.trees.emplace_back(nullptr, 0, kInsideBeta, false);
      continue;
    }
    std::vector<double> corners(part.corners.get(),
                                part.corners.get() + 9 * part.num_faces);
    for (size_t i = 0; i < corners.size(); ++i)
      corners[i] = (corners[i] - solid.origin[i % 3]) * solid.scale;
    // A single open part is asked about through the sum alone.
    const bool asked = part.closed || open_parts > 1;
    solid.trees.emplace_back(corners.data(), asked ? corners.size() / 9 : 0,
                             kInsideBeta, false);
    if (!part.closed) {
      open.insert(open.end(), corners.begin(), corners.end());
      ++solid.num_open;
    }
  }
  solid.open = WindingTree<float>(open.data(), open.size() / 9, kInsideBeta, false);
  return solid;
}

void decide_inside(const Solid& solid, const double points[kLanes][3], float* total,
                   bool* inside) {
  double low[3] = {1e300, 1e300, 1e300}, high[3] = {-1e300, -1e300, -1e300};
  Packet<float> packet;
  int undecided = 0;
  bool possible[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    possible[i] = !inside[i] && contains(solid.low, solid.high, points[i]);
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
  for (size_t n = 0; n < solid.parts.size() && undecided > 0; ++n) {
    const Part& part = solid.parts[n];
    if (low[0] > part.high[0] || high[0] < part.low[0] || low[1] > part.high[1] ||
        high[1] < part.low[1] || low[2] > part.high[2] || high[2] < part.low[2])
      continue;
    if (solid.trees[n].empty()) continue;
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

}  // namespace svr3d
