// SPDX-License-Identifier: Apache-2.0
// The hand-made gradient: each visible edge asks the pixels along every line that it
// crosses what they would gain if it moved there.
#include <algorithm>

#include "neural_maps.h"

namespace svr3d {
namespace {

constexpr int kLanes = 16;

template <typename T>
struct Pulls {
  T sum[2];
};

// Sums pulled() of `count` gains at places `at`, for both corners. Sixteen partial
// sums in fixed order, so that every instruction set gives the same.
template <typename T>
SVR3D_CLONES Pulls<T> pull_all(const T* gain, const T* at, int64_t count, T edge,
                               T scale0, T scale1, T eps) {
  T first[kLanes] = {}, second[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    SVR3D_VECTORIZE
    for (int lane = 0; lane < kLanes; ++lane) {
      first[lane] += pulled(gain[i + lane], at[i + lane], edge, scale0, eps);
      second[lane] += pulled(gain[i + lane], at[i + lane], edge, scale1, eps);
    }
  }
  for (int lane = 0; i < count; ++i, ++lane) {
    first[lane] += pulled(gain[i], at[i], edge, scale0, eps);
    second[lane] += pulled(gain[i], at[i], edge, scale1, eps);
  }
  Pulls<T> out = {{0, 0}};
  for (int lane = 0; lane < kLanes; ++lane) {
    out.sum[0] += first[lane];
    out.sum[1] += second[lane];
  }
  return out;
}

// max(0, sum over channels of (I(d1) - I(from)) g(d1)) for d1 in [low, high].
template <typename T>
SVR3D_CLONES void gains(const T* images, const T* grads, int64_t channels, int64_t size,
                        int64_t from, int64_t low, int64_t high, T* gain) {
  for (int64_t i = low; i <= high; ++i) gain[i - low] = 0;
  for (int64_t k = 0; k < channels; ++k) {
    const T base = images[k * size + from];
    const T *value = images + k * size, *grad = grads + k * size;
    SVR3D_VECTORIZE
    for (int64_t i = low; i <= high; ++i)
      gain[i - low] += (value[i] - base) * grad[i];
  }
  SVR3D_VECTORIZE
  for (int64_t i = low; i <= high; ++i)
    gain[i - low] = gain[i - low] > 0 ? gain[i - low] : T(0);
}

template <typename T>
class Sweeper {
 public:
  Sweeper(const NeuralScene<T>& scene)
      : scene_(scene), gain_(scene.size), place_(scene.size) {
    for (int64_t i = 0; i < scene.size; ++i) place_[i] = T(i);
  }

  // One edge (corners n, n + 1) on the lines of one axis.
  void edge(const NeuralFace<T>& f, int64_t face, int n, bool rows,
            const NeuralLines<T>& lines, T* out) {
    const int m = (n + 1) % 3, o = (n + 2) % 3;
    const T* across = rows ? f.py : f.px;  // which line
    const T* along = rows ? f.px : f.py;
    const LineRange range = edge_lines(across[n], across[m], scene_.size);
    Pulls<T> total = {{0, 0}};
    for (int64_t line = range.begin; line < range.end; ++line) {
      EdgeCrossing<T> e;
      if (!cross_line(across[n], along[n], across[m], along[m], across[o], along[o],
                      rows, line, scene_.size, e))
        continue;
      if (lines.index[line * scene_.size + e.inner] == face)
        outward(lines, line, e, total);
      if (e.bounded) inward(lines, line, face, e, total);
    }
    out[3 * n + (rows ? 0 : 1)] -= total.sum[0];
    out[3 * m + (rows ? 0 : 1)] -= total.sum[1];
  }

 private:
  void add(const T* gain, const T* at, int64_t count, const EdgeCrossing<T>& e,
           Pulls<T>& total) const {
    const Pulls<T> more =
        pull_all(gain, at, count, e.at, e.scale[0], e.scale[1], scene_.eps);
    for (int k = 0; k < 2; ++k)
      if (e.scale[k] != 0) total.sum[k] += more.sum[k];
  }

  // Pixels beyond the edge that would gain from this face's colour.
  void outward(const NeuralLines<T>& lines, int64_t line, const EdgeCrossing<T>& e,
               Pulls<T>& total) {
    const int64_t size = scene_.size, channels = scene_.channels();
    const int64_t low = e.step > 0 ? e.outer : 0;
    const int64_t high = e.step > 0 ? size - 1 : e.outer;
    if (channels == 1) {
      const int64_t from = lines.wish_start[line * size + low];
      const int64_t to = lines.wish_start[line * size + high + 1];
      if (from < to)
        add(&lines.wish[from], &lines.wish_at[from], to - from, e, total);
      return;
    }
    const int64_t base = line * channels * size;
    gains(&lines.images[base], &lines.grads[base], channels, size, e.inner, low, high,
          gain_.data());
    add(gain_.data(), &place_[low], high - low + 1, e, total);
  }

  // Pixels of this face that would gain from the colour beyond the edge.
  void inward(const NeuralLines<T>& lines, int64_t line, int64_t face,
              const EdgeCrossing<T>& e, Pulls<T>& total) {
    const int64_t size = scene_.size, channels = scene_.channels();
    const int32_t* index = &lines.index[line * size];
    if (e.low > e.high || (channels == 1 && index[e.outer] >= 0)) return;
    const int64_t base = line * channels * size;
    gains(&lines.images[base], &lines.grads[base], channels, size, e.outer, e.low,
          e.high, gain_.data());
    for (int64_t d = e.low; d <= e.high; ++d)
      if (index[d] != face) gain_[d - e.low] = 0;
    add(gain_.data(), &place_[e.low], e.high - e.low + 1, e, total);
  }

  const NeuralScene<T>& scene_;
  std::vector<T> gain_, place_;
};

}  // namespace

template <typename T>
void NeuralLines<T>::fill(const NeuralScene<T>& scene, bool rows, const int32_t* face,
                          const T* values, const T* upstream) {
  const int64_t size = scene.size, area = size * size, channels = scene.channels();
  const int64_t across = rows ? size : 1, along = rows ? 1 : size;
  index.resize(area);
  images.resize(channels * area);
  grads.resize(channels * area);
  wish_start.resize(area + 1);
  wish_at.clear();
  wish.clear();
  for (int64_t line = 0; line < size; ++line)
    for (int64_t d = 0; d < size; ++d) {
      const int64_t from = line * across + d * along;
      index[line * size + d] = face[from];
      for (int64_t k = 0; k < channels; ++k) {
        const int64_t to = (line * channels + k) * size + d;
        images[to] = values[k * area + from];
        grads[to] = upstream[k * area + from];
      }
      if (channels > 1) continue;
      wish_start[line * size + d] = static_cast<int64_t>(wish.size());
      if (face[from] < 0 && upstream[from] < 0) {
        wish.push_back(-upstream[from]);
        wish_at.push_back(T(d));
      }
    }
  wish_start[area] = static_cast<int64_t>(wish.size());
}

template <typename T>
void sweep_faces(const NeuralScene<T>& scene, int64_t image, int64_t first,
                 int64_t last, const uint8_t* seen, const NeuralLines<T>& columns,
                 const NeuralLines<T>& rows, T* out) {
  Sweeper<T> sweeper(scene);
  NeuralFace<T> f = {};
  for (int64_t face = first; face < last; ++face) {
    if (!seen[face] || !setup_neural_face(scene, image, face, f)) continue;
    for (int n = 0; n < 3; ++n) {
      sweeper.edge(f, face, n, false, columns, out + 9 * face);
      sweeper.edge(f, face, n, true, rows, out + 9 * face);
    }
  }
}

template <typename T>
void pull_pixels(const NeuralScene<T>& scene, int64_t image, const int32_t* index,
                 const T* depth, const T* grad_depth, const T* grad_images, T* out,
                 T* textures) {
  const int64_t size = scene.size, area = size * size;
  NeuralFace<T> f = {};
  int64_t known = -1;
  for (int64_t i = 0; i < area; ++i) {
    const int64_t face = index[i];
    if (face < 0) continue;
    if (face != known) setup_neural_face(scene, image, face, f);
    known = face;
    T w[3];
    depth_at(f, i / size, i % size, w);
    if (grad_depth)
      add_depth_gradient(f, size, w, depth[i], grad_depth[i], out + 9 * face);
    if (!textures) continue;
    TextureSample<T> sample;
    sample_texture(scene, f, image, face, w, depth[i], sample);
    for (int n = 0; n < 8; ++n)
      for (int k = 0; k < 3; ++k)
        textures[sample.cell[n] + k] +=
            sample.weight[n] * grad_images[(k + 1) * area + i];
  }
}

template struct NeuralLines<float>;
template struct NeuralLines<double>;
template void sweep_faces(const NeuralScene<float>&, int64_t, int64_t, int64_t,
                          const uint8_t*, const NeuralLines<float>&,
                          const NeuralLines<float>&, float*);
template void sweep_faces(const NeuralScene<double>&, int64_t, int64_t, int64_t,
                          const uint8_t*, const NeuralLines<double>&,
                          const NeuralLines<double>&, double*);
template void pull_pixels(const NeuralScene<float>&, int64_t, const int32_t*,
                          const float*, const float*, const float*, float*, float*);
template void pull_pixels(const NeuralScene<double>&, int64_t, const int32_t*,
                          const double*, const double*, const double*, double*,
                          double*);

}  // namespace svr3d
