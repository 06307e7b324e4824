// SPDX-License-Identifier: Apache-2.0
#include "face_index.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "../common/counting_sort.h"
#include "../common/lanes_prepare.h"
#include "../common/packets.h"

namespace svr3d {

#define SVR3D_PER_SET "../point_mesh_distance/face_search.h"
#include "../common/lanes_per_set.h"

FaceRecord face_record(const double* vertices, const int64_t* face) {
  return make_face_record(load3(vertices + 3 * face[0]), load3(vertices + 3 * face[1]),
                          load3(vertices + 3 * face[2]));
}

FaceIndex::FaceIndex(const double* vertices, const int64_t* faces, int64_t num_faces)
    : count(num_faces) {
  if (count == 0) return;
  std::vector<double> centres(3 * count);
  const int64_t chunks = num_chunks(count, 4096);
  for_chunks(count, chunks, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f)
      for (int k = 0; k < 3; ++k)
        centres[3 * f + k] = vertices[3 * faces[3 * f] + k] +
                             vertices[3 * faces[3 * f + 1] + k] +
                             vertices[3 * faces[3 * f + 2] + k];
  });
  ids = morton_order(centres.data(), count);
  levels.emplace_back(count);
  BoxLevel<double>& leaves = levels[0];
  numbers.resize(leaves.count * kFaceNumbers * kWidth);
  ids.resize(leaves.count * kWidth, -1);
  const int64_t shares = num_chunks(leaves.count, 512);
  for_chunks(leaves.count, shares, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t leaf = begin; leaf < end; ++leaf) {
      double* block = numbers.data() + leaf * kFaceNumbers * kWidth;
      double low[3], high[3];
      std::fill_n(low, 3, std::numeric_limits<double>::infinity());
      std::fill_n(high, 3, -std::numeric_limits<double>::infinity());
      for (int64_t i = 0; i < kWidth; ++i) {
        const int32_t id = ids[leaf * kWidth + i];
        double record[kFaceNumbers];
        std::fill_n(record, kFaceNumbers, std::numeric_limits<double>::quiet_NaN());
        if (id >= 0) {
          const int64_t* face = faces + 3 * static_cast<int64_t>(id);
          const FaceRecord known = face_record(vertices, face);
          std::memcpy(record, &known, sizeof record);
          for (int c = 0; c < 3; ++c)
            for (int k = 0; k < 3; ++k) {
              low[k] = std::min(low[k], vertices[3 * face[c] + k]);
              high[k] = std::max(high[k], vertices[3 * face[c] + k]);
            }
        }
        for (int n = 0; n < kFaceNumbers; ++n) block[n * kWidth + i] = record[n];
      }
      for (int k = 0; k < 3; ++k) {
        leaves.low[k][leaf] = low[k];
        leaves.high[k][leaf] = high[k];
      }
    }
  });
  stack_boxes(levels);
}

void search_faces(const FaceIndex& index, const double* points, const int32_t* order,
                  int64_t begin, int64_t end, int64_t* nearest) {
  const InstructionSet set = instruction_set();
#if SVR3D_X86
  if (set == InstructionSet::kAvx512)
    return avx512::nearest_faces(index, points, order, begin, end, nearest);
  if (set == InstructionSet::kAvx2)
    return avx2::nearest_faces(index, points, order, begin, end, nearest);
#endif
  static_cast<void>(set);
  portable::nearest_faces(index, points, order, begin, end, nearest);
}

}  // namespace svr3d
