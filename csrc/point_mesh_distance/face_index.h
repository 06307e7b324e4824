// SPDX-License-Identifier: Apache-2.0
// The faces of a mesh in the order of a space-filling curve, under a tree of boxes.
#pragma once

#include <cstdint>
#include <vector>

#include "../common/box_levels.h"
#include "point_mesh_distance.h"

namespace svr3d {

struct FaceIndex {
  static constexpr int64_t kWidth = BoxLevel<double>::kWidth;  // faces per leaf

  int64_t count = 0;
  // The numbers of a leaf's records, kWidth by kWidth; NaN beyond the last face.
  std::vector<double> numbers;
  std::vector<int32_t> ids;  // index of each in the mesh
  std::vector<BoxLevel<double>> levels;

  FaceIndex(const double* vertices, const int64_t* faces, int64_t num_faces);
};

FaceRecord face_record(const double* vertices, const int64_t* face);

// Writes the nearest face of the points order[begin] to order[end].
void search_faces(const FaceIndex& index, const double* points, const int32_t* order,
                  int64_t begin, int64_t end, int64_t* nearest);

}  // namespace svr3d
