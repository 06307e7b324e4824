// SPDX-License-Identifier: Apache-2.0
// Several meshes in one list of faces, checked once for safe reading.
#pragma once

#include "tensor.h"

namespace svr3d {

// Faces (F, 3) of mesh b are rows first_face[b] to first_face[b + 1] and index one
// common vertex list.
class PackedMeshes {
 public:
  PackedMeshes(const Tensor& vertices, const Tensor& faces, const Tensor& first_face)
      : faces_(faces), first_(first_face) {
    check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
    check_tensor(first_face, "first_face", ScalarType::Long, {-1});
    faces_ = torch::stable::contiguous(faces_);
    first_ = torch::stable::contiguous(first_);
    check_faces(faces_, vertices.size(0));
    face_ = faces_.const_data_ptr<int64_t>();
    start_ = first_.const_data_ptr<int64_t>();
    const int64_t bounds = first_.size(0);
    bool ok = bounds >= 1 && start_[0] == 0 && start_[bounds - 1] == faces_.size(0);
    for (int64_t b = 1; b < bounds; ++b) ok = ok && start_[b - 1] <= start_[b];
    STD_TORCH_CHECK(ok, "first_face must rise from 0 to the number of faces");
  }

  int64_t count() const { return first_.size(0) - 1; }
  int64_t begin(int64_t mesh) const { return start_[mesh]; }
  int64_t end(int64_t mesh) const { return start_[mesh + 1]; }
  int64_t vertex(int64_t face, int corner) const { return face_[3 * face + corner]; }

 private:
  Tensor faces_, first_;
  const int64_t* face_;
  const int64_t* start_;
};

}  // namespace svr3d
