// SPDX-License-Identifier: Apache-2.0
// The parts of a mesh with what decides by winding numbers whether points are inside.
#pragma once

#include <cstdint>
#include <vector>

#include "../winding_number/tree.h"
#include "parts.h"

namespace svr3d {

// A decision at one half needs no finer expansion.
constexpr double kInsideBeta = 2.0;

struct Solid {
  std::vector<Part> parts;
  std::vector<WindingTree<float>> trees;  // one per part
  WindingTree<float> open{nullptr, 0, kInsideBeta, false};  // all open parts together
  int64_t num_open = 0;
  double low[3], high[3];
  double origin[3], scale;  // to the unit cube, where float has its precision
};

// Without trees of closed parts, what those contribute is the caller's.
Solid build_solid(std::vector<Part> parts, bool closed_trees);

// Decides about one packet of kLanes points. `total` holds what other parts contribute
// to the sum of the winding numbers, and `inside` what is known to be inside.
void decide_inside(const Solid& solid, const double points[kLanes][3], float* total,
                   bool* inside);

}  // namespace svr3d
