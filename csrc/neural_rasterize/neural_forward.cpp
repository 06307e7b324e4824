// SPDX-License-Identifier: Apache-2.0
// Faces in order over their boxes, with a depth buffer: the same nearest face as if
// every pixel asked every face.
#include <algorithm>

#include "neural_maps.h"

namespace svr3d {
namespace {

// Pixels [begin, end) whose centres may lie between two coordinates.
template <typename T>
void pixel_range(T low, T high, int64_t size, int64_t& begin, int64_t& end) {
  const T first = (low + 1) * size / 2 - 1, last = (high + 1) * size / 2 + 1;
  begin = first > 0 ? (first < T(size) ? static_cast<int64_t>(first) : size) : 0;
  end = last < T(size) ? (last > 0 ? static_cast<int64_t>(last) : 0) : size;
}

template <typename T>
SVR3D_CLONES void cover_row(const NeuralFace<T>& f, const T* x, T y, int64_t begin,
                            int64_t end, uint8_t* hit) {
  SVR3D_VECTORIZE
  for (int64_t c = begin; c < end; ++c) hit[c - begin] = covers(f, x[c], y);
}

template <typename T>
void shade(const NeuralScene<T>& scene, int64_t image, int64_t first, int64_t last,
           const int32_t* index, const T* depth, T* images) {
  const int64_t size = scene.size, area = size * size, channels = scene.channels();
  NeuralFace<T> f = {};
  int64_t known = -1;
  for (int64_t r = first; r < last; ++r)
    for (int64_t c = 0; c < size; ++c) {
      const int64_t i = r * size + c, face = index[i];
      images[i] = face >= 0 ? T(1) : T(0);
      if (channels == 1) continue;
      T color[3] = {scene.background[0], scene.background[1], scene.background[2]};
      if (face >= 0) {
        if (face != known) setup_neural_face(scene, image, face, f);
        known = face;
        T w[3];
        depth_at(f, r, c, w);
        TextureSample<T> sample;
        sample_texture(scene, f, image, face, w, depth[i], sample);
        for (int k = 0; k < 3; ++k) {
          color[k] = 0;
          for (int n = 0; n < 8; ++n)
            color[k] += sample.weight[n] * scene.textures[sample.cell[n] + k];
        }
      }
      for (int k = 0; k < 3; ++k) images[(k + 1) * area + i] = color[k];
    }
}

}  // namespace

template <typename T>
void render_rows(const NeuralScene<T>& scene, int64_t image, int64_t first,
                 int64_t last, int32_t* index, T* depth, T* images) {
  const int64_t size = scene.size;
  std::fill(index + first * size, index + last * size, -1);
  std::fill(depth + first * size, depth + last * size, scene.far);
  std::vector<T> x(size);
  std::vector<uint8_t> hit(size);
  for (int64_t c = 0; c < size; ++c) x[c] = sample_point<T>(c, size);
  NeuralFace<T> f = {};
  for (int64_t face = 0; face < scene.drawn_faces(); ++face) {
    if (!setup_neural_face(scene, image, face, f)) continue;
    int64_t begin, end, row, stop;
    pixel_range(std::min({f.x[0], f.x[1], f.x[2]}), std::max({f.x[0], f.x[1], f.x[2]}),
                size, begin, end);
    pixel_range(std::min({f.y[0], f.y[1], f.y[2]}), std::max({f.y[0], f.y[1], f.y[2]}),
                size, row, stop);
    if (begin >= end) continue;
    row = std::max(row, first);
    stop = std::min(stop, last);
    for (; row < stop; ++row) {
      cover_row(f, x.data(), x[row], begin, end, hit.data());
      for (int64_t c = begin; c < end; ++c) {
        if (!hit[c - begin]) continue;
        T w[3];
        const T z = depth_at(f, row, c, w);
        if (!(z > scene.near && z < depth[row * size + c])) continue;
        depth[row * size + c] = z;
        index[row * size + c] = static_cast<int32_t>(face);
      }
    }
  }
  shade(scene, image, first, last, index, depth, images);
}

template void render_rows(const NeuralScene<float>&, int64_t, int64_t, int64_t,
                          int32_t*, float*, float*);
template void render_rows(const NeuralScene<double>&, int64_t, int64_t, int64_t,
                          int32_t*, double*, double*);

}  // namespace svr3d
