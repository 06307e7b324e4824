// SPDX-License-Identifier: Apache-2.0
// Splits a triangle soup into parts and turns each part's faces outward.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace svr3d {

struct Part {
  std::unique_ptr<double[]> corners;  // (num_faces, 9), consistently oriented
  int64_t num_faces;
  double low[3], high[3];
  bool closed;  // every edge joins two faces, hence the winding number is whole
};

// Faces belong together if they share an edge that no third face uses, after equal
// positions are merged. Faces without area and repeated faces are dropped first.
// A part points outward if its signed volume about its centroid is positive; open
// and nearly flat parts, whose volume says nothing, keep the side that most of
// their area had.
std::vector<Part> split_parts(const double* vertices, int64_t num_vertices,
                              const int64_t* faces, int64_t num_faces);

}  // namespace svr3d
