// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "../common/packets.h"
#include "../common/tensor.h"
#include "solid.h"

namespace svr3d {
namespace {

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
  const Solid solid = build_solid(
      split_parts(vertices.const_data_ptr<double>(), vertices.size(0),
                  faces.const_data_ptr<int64_t>(), faces.size(0)),
      true);
  const std::vector<int32_t> order = morton_order(point, count);
  const int64_t packets = (count + kLanes - 1) / kLanes;
  torch::stable::parallel_for(0, packets, 16, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      double positions[kLanes][3];
      bool inside[kLanes] = {false};
      float total[kLanes] = {0};
      const int64_t first = n * kLanes;
      for (int i = 0; i < kLanes; ++i) {
        const int64_t source = order[std::min<int64_t>(first + i, count - 1)];
        std::copy_n(point + 3 * source, 3, positions[i]);
      }
      decide_inside(solid, positions, total, inside);
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
