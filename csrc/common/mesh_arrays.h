// SPDX-License-Identifier: Apache-2.0
// Raw arrays of a mesh whose indices and coordinates were checked once, for kernels
// that take every dtype as it is.
#pragma once

#include "macros.h"
#include "tensor.h"

namespace svr3d {

bool indices_fit(const int32_t* index, int64_t count, int64_t limit);
bool indices_fit(const int64_t* index, int64_t count, int64_t limit);
bool all_finite(const float* values, int64_t count);
bool all_finite(const double* values, int64_t count);

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
    for (int k = 0; k < 3; ++k) {
      T least = vertex[k], most = vertex[k];
      for (int64_t i = 1; i < num_vertices; ++i) {
        const T value = vertex[3 * i + k];
        least = value < least ? value : least;
        most = value > most ? value : most;
      }
      low[k] = least;
      high[k] = most;
    }
  }
};

}  // namespace svr3d
