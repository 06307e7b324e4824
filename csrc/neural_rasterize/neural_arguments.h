// SPDX-License-Identifier: Apache-2.0
// The arguments of the op as tensors, and as the plain scene that kernels read.
#pragma once

#include "../common/tensor.h"
#include "neural_rasterize.h"

namespace svr3d {

// Contiguous arguments of either direction; textures may be empty (no colours).
struct NeuralArguments {
  Tensor vertices, faces, lengths, textures, background;
  int64_t size;
  double near, far, eps;
  bool fill_back;

  int64_t batch() const { return vertices.size(0); }
  bool textured() const { return textures.dim() == 6; }

  template <typename T>
  NeuralScene<T> scene() const {
    NeuralScene<T> s;
    s.vertices = vertices.const_data_ptr<T>();
    s.faces = faces.const_data_ptr<int64_t>();
    s.lengths = lengths.const_data_ptr<int64_t>();
    s.textures = textured() ? textures.const_data_ptr<T>() : nullptr;
    s.background = background.const_data_ptr<T>();
    s.num_vertices = vertices.size(1);
    s.num_faces = faces.size(1);
    s.face_stride = faces.size(0) == 1 ? 0 : 3 * faces.size(1);
    s.texture_side = textured() ? textures.size(2) : 0;
    s.size = size;
    s.near = T(near);
    s.far = T(far);
    s.eps = T(static_cast<float>(eps));
    s.fill_back = fill_back;
    return s;
  }
};

}  // namespace svr3d
