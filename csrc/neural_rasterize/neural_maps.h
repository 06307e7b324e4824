// SPDX-License-Identifier: Apache-2.0
// The two directions of the neural mesh renderer on the host, for one image.
#pragma once

#include <vector>

#include "neural_rasterize.h"

namespace svr3d {

// Renders rows [first, last): nearest faces (-1 where none), depths, channels.
template <typename T>
void render_rows(const NeuralScene<T>& scene, int64_t image, int64_t first,
                 int64_t last, int32_t* index, T* depth, T* images);

// What the gradient's sweeps read, for one axis: line by line, pixels side by side.
template <typename T>
struct NeuralLines {
  std::vector<int32_t> index;      // (lines, S) faces
  std::vector<T> images, grads;    // (lines, channels, S)
  // Silhouettes alone: the free pixels that want to be covered, line by line.
  std::vector<int64_t> wish_start;  // (lines * S + 1) entries before each pixel
  std::vector<T> wish_at, wish;     // their place on the line, and how much they want

  void fill(const NeuralScene<T>& scene, bool rows, const int32_t* face,
            const T* values, const T* upstream);
};

// Adds the hand-made gradient of the faces [first, last) that are `seen` in a pixel to
// `out` (9 numbers a face).
template <typename T>
void sweep_faces(const NeuralScene<T>& scene, int64_t image, int64_t first,
                 int64_t last, const uint8_t* seen, const NeuralLines<T>& columns,
                 const NeuralLines<T>& rows, T* out);

// Adds the gradients of depth (to `out`, 9 numbers a face) and of texture cells;
// either upstream gradient may be null.
template <typename T>
void pull_pixels(const NeuralScene<T>& scene, int64_t image, const int32_t* index,
                 const T* depth, const T* grad_depth, const T* grad_images, T* out,
                 T* textures);

}  // namespace svr3d
