// SPDX-License-Identifier: Apache-2.0
// Bounding-volume hierarchy of triangles with a far-field expansion per node.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "winding_number.h"

namespace svr3d {

// Points are served in packets of nearby ones: the packet decides together which
// nodes are far, and the arithmetic then runs over its lanes.
constexpr int kLanes = 16;
constexpr int kLeafSize = 4;

template <typename T>
struct Packet {
  T x[kLanes], y[kLanes], z[kLanes];
};

// Moments of triangles about a centre, before their symmetric parts are taken: sums of
// the area vectors, and of their products with offsets from the centre.
struct Moments {
  double centre[3] = {0}, area = 0, first[3] = {0};
  double second[3][3] = {{0}}, third[3][3][3] = {{{0}}};
};

template <typename T>
class WindingTree {
 public:
  // `corners` holds the triangles as (count, 9); with `exact` there is no far field.
  WindingTree(const double* corners, int64_t count, double beta, bool exact);

  // Adds the winding number of the triangles at each lane's point. If `doubtful` is
  // given, lanes get 1 there whose point may be on either side of a triangle.
  void accumulate(const Packet<T>& packet, T* winding,
                  int32_t* doubtful = nullptr) const;

  bool empty() const { return nodes_.empty(); }

 private:
  struct Node {
    FarField<T> far;
    int32_t begin, end;  // triangles
    int32_t left;        // children are left and left + 1; -1 in a leaf
  };
  struct Source {  // what the tree is built of
    const double* corners;
    std::unique_ptr<double[]> centres;  // three times each triangle's centroid
    std::unique_ptr<int32_t[]> order;
  };
  void split(int32_t node, int32_t left, const Source& source);
  Moments build(int32_t node, int32_t& next, const Source& source);
  Moments finish(int32_t node, const Moments& moments, const Source& source);
  void build_in_parallel(const Source& source);

  double beta_;
  bool exact_;
  std::vector<Node> nodes_;
  std::vector<T> corners_;
};

}  // namespace svr3d
