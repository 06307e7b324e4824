// SPDX-License-Identifier: Apache-2.0
// Raw arrays of a mesh whose indices and coordinates were checked once, for kernels
// that take every dtype as it is.
#pragma once

#include "macros.h"
#include "tensor.h"

namespace svr3d {

// I is int32_t or int64_t, T float or double.
template <typename I>
bool indices_fit(const I* index, int64_t count, int64_t limit);
template <typename T>
bool all_finite(const T* values, int64_t count);
// Box of (count, 3) points, of which there must be one.
template <typename T>
void bounds(const T* points, int64_t count, T* low, T* high);

template <typename T, typename I>
struct MeshArrays {
  const T* vertex;
  const I* face;
  int64_t num_vertices, num_faces;

  MeshArrays(const Tensor& vertices, const Tensor& faces)
      : vertex(vertices.const_data_ptr<T>()),
        face(faces.const_data_ptr<I>()),
        num_vertices(vertices.size(0)),
        num_faces(faces.size(0)) {
    STD_TORCH_CHECK(indices_fit(face, 3 * num_faces, num_vertices),
                    "faces must index vertices 0 to ", num_vertices - 1);
    STD_TORCH_CHECK(all_finite(vertex, 3 * num_vertices), "vertices must be finite");
  }

  SVR3D_HD const T* corner(int64_t f, int c) const {
    return vertex + 3 * static_cast<int64_t>(face[3 * f + c]);
  }

  // Box of all vertices, of which there must be one.
  void bounds(T* low, T* high) const {
    svr3d::bounds(vertex, num_vertices, low, high);
  }
};

}  // namespace svr3d
