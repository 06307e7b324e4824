// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the neural mesh renderer, for host and device: Kato et al., "Neural 3D
// Mesh Renderer" (2018). Maps are square, with row 0 at the bottom (y = -1).
#pragma once

#include <cmath>
#include <cstdint>

#include "../common/macros.h"

namespace svr3d {

template <typename T>
struct NeuralScene {
  const T* vertices;     // (B, V, 3)
  const int64_t* faces;  // (B or 1, F, 3)
  const int64_t* lengths;
  const T* textures;    // (B, F, side, side, side, 3), or null
  const T* background;  // 3 numbers
  int64_t num_vertices, num_faces, face_stride, texture_side, size;
  T near, far, eps;
  bool fill_back;  // face F + k is face k with its corners in reverse

  SVR3D_HD int64_t drawn_faces() const { return num_faces * (fill_back ? 2 : 1); }
  SVR3D_HD int64_t channels() const { return textures ? 4 : 1; }
};

template <typename T>
struct NeuralFace {
  T x[3], y[3], z[3];  // corners
  T px[3], py[3];      // the same in pixels: corner i at centre of pixel p
  T inverse[9];        // maps (column, row, 1) to corner weights
};

// Index of corner i of drawn face k among the F * 3 corners.
template <typename T>
SVR3D_HD int64_t corner_slot(const NeuralScene<T>& s, int64_t face, int i) {
  return face < s.num_faces ? 3 * face + i : 3 * (face - s.num_faces) + 2 - i;
}

// False for faces that the camera sees from behind, or that cover nothing.
template <typename T>
SVR3D_HD bool setup_neural_face(const NeuralScene<T>& s, int64_t image, int64_t face,
                                NeuralFace<T>& f) {
  const int64_t own = face < s.num_faces ? face : face - s.num_faces;
  if (own >= s.lengths[image]) return false;
  const int64_t* corner = s.faces + image * s.face_stride;
  for (int i = 0; i < 3; ++i) {
    const T* v = s.vertices +
                 3 * (image * s.num_vertices + corner[corner_slot(s, face, i)]);
    f.x[i] = v[0];
    f.y[i] = v[1];
    f.z[i] = v[2];
  }
  if (!((f.y[2] - f.y[0]) * (f.x[1] - f.x[0]) > (f.y[1] - f.y[0]) * (f.x[2] - f.x[0])))
    return false;
  const T size = T(s.size);
  for (int i = 0; i < 3; ++i) {
    f.px[i] = T(0.5) * (f.x[i] * size + size - 1);
    f.py[i] = T(0.5) * (f.y[i] * size + size - 1);
  }
  const T* x = f.px;
  const T* y = f.py;
  const T det =
      x[2] * (y[0] - y[1]) + x[0] * (y[1] - y[2]) + x[1] * (y[2] - y[0]);
  for (int i = 0; i < 3; ++i) {
    const int j = (i + 1) % 3, k = (i + 2) % 3;
    f.inverse[3 * i] = (y[j] - y[k]) / det;
    f.inverse[3 * i + 1] = (x[k] - x[j]) / det;
    f.inverse[3 * i + 2] = (x[j] * y[k] - x[k] * y[j]) / det;
  }
  return true;
}

// Centre of pixel i in [-1, 1].
template <typename T>
SVR3D_HD T sample_point(int64_t i, int64_t size) {
  return T((2.0 * i + 1 - size) / size);
}

template <typename T>
SVR3D_HD bool covers(const NeuralFace<T>& f, T x, T y) {
  const bool out0 = (y - f.y[0]) * (f.x[1] - f.x[0]) < (x - f.x[0]) * (f.y[1] - f.y[0]);
  const bool out1 = (y - f.y[1]) * (f.x[2] - f.x[1]) < (x - f.x[1]) * (f.y[2] - f.y[1]);
  const bool out2 = (y - f.y[2]) * (f.x[0] - f.x[2]) < (x - f.x[2]) * (f.y[0] - f.y[2]);
  return !(out0 | out1 | out2);
}

// Corner weights and depth of a pixel; NaN where the face has no inverse.
template <typename T>
SVR3D_HD T depth_at(const NeuralFace<T>& f, int64_t row, int64_t column, T w[3]) {
  T sum = 0;
  for (int i = 0; i < 3; ++i) {
    const T v = f.inverse[3 * i] * T(column) + f.inverse[3 * i + 1] * T(row) +
                f.inverse[3 * i + 2];
    w[i] = v > 1 ? T(1) : (v < 0 ? T(0) : v);
    sum += w[i];
  }
  T closeness = 0;
  for (int i = 0; i < 3; ++i) {
    w[i] /= sum;
    closeness += w[i] / f.z[i];
  }
  return 1 / closeness;
}

// The eight cells of a texture cube that a sample mixes.
template <typename T>
struct TextureSample {
  int64_t cell[8];
  T weight[8];
};

template <typename T>
SVR3D_HD void sample_texture(const NeuralScene<T>& s, const NeuralFace<T>& f,
                             int64_t image, int64_t face, const T w[3], T depth,
                             TextureSample<T>& out) {
  const int64_t side = s.texture_side;
  const int64_t own = face < s.num_faces ? face : face - s.num_faces;
  const int64_t strides[3] = {side * side, side, 1};
  int64_t low[3], high[3];
  T part[3];
  for (int i = 0; i < 3; ++i) {
    T u = w[i] * T(side - 1) * (depth / f.z[i]);
    const T most = T(side - 1) - s.eps;
    u = u < most ? u : most;
    u = u > 0 ? u : T(0);
    const int64_t cell = static_cast<int64_t>(u);
    part[i] = u - T(cell);
    const int64_t next = cell + 1 < side ? cell + 1 : cell;
    const int64_t stride = strides[face < s.num_faces ? i : 2 - i];
    low[i] = cell * stride;
    high[i] = next * stride;
  }
  const int64_t base = (image * s.num_faces + own) * side * side * side;
  for (int n = 0; n < 8; ++n) {
    T weight = 1;
    int64_t cell = base;
    for (int i = 0; i < 3; ++i) {
      weight *= n >> i & 1 ? part[i] : 1 - part[i];
      cell += n >> i & 1 ? high[i] : low[i];
    }
    out.cell[n] = 3 * cell;
    out.weight[n] = weight;
  }
}

// Gradient of the depth of a covered pixel with respect to the corners (x, y, z each).
template <typename T>
SVR3D_HD void add_depth_gradient(const NeuralFace<T>& f, int64_t size, const T w[3],
                                 T depth, T grad, T* out) {
  T slope[2] = {0, 0};
  for (int j = 0; j < 3; ++j)
    for (int l = 0; l < 2; ++l) slope[l] -= f.inverse[3 * j + l] / f.z[j];
  const T squared = depth * depth;
  for (int i = 0; i < 3; ++i) {
    const T pull = grad * w[i] * squared;
    out[3 * i] -= pull * slope[0] * T(size) / 2;
    out[3 * i + 1] -= pull * slope[1] * T(size) / 2;
    out[3 * i + 2] += pull / (f.z[i] * f.z[i]);
  }
}

// One edge of a face on one line of pixels: a row (axis 1) or a column (axis 0).
template <typename T>
struct EdgeCrossing {
  T at;           // where the edge crosses the line
  T scale[2];     // moves of the two corners per pixel; 0 if the corner has no say
  int64_t inner, outer;  // the pixels on both sides
  int64_t low, high;     // the face's pixels on the line: the inner one to the far edge
  int step;              // from inner to outer
  bool bounded;          // low and high hold
};

// The lines that an edge crosses.
struct LineRange {
  int64_t begin, end;
};

template <typename T>
SVR3D_HD LineRange edge_lines(T a0, T b0, int64_t size) {
  const T low = a0 < b0 ? a0 : b0, high = a0 < b0 ? b0 : a0;
  if (!(high >= 0) || !(low <= T(size - 1)) || !(low < high)) return {0, 0};
  const T last = high < T(size - 1) ? high : T(size - 1);
  return {low > 0 ? static_cast<int64_t>(ceil(low)) : 0,
          static_cast<int64_t>(last) + 1};
}

// Corners a, b of the edge and c beside it, as (along lines' number, along the line).
// False where nothing can be pulled.
template <typename T>
SVR3D_HD bool cross_line(T a0, T a1, T b0, T b1, T c0, T c1, bool rows, int64_t line,
                         int64_t size, EdgeCrossing<T>& out) {
  const T d0 = T(line);
  out.at = (b1 - a1) / (b0 - a0) * (d0 - a0) + a1;
  if (!(out.at > -2 && out.at < T(size + 1))) return false;
  out.step = (a0 < b0) == rows ? 1 : -1;
  out.inner = static_cast<int64_t>(out.step > 0 ? floor(out.at) : ceil(out.at));
  out.outer = out.inner + out.step;
  if (out.inner < 0 || out.inner >= size || out.outer < 0 || out.outer >= size)
    return false;
  out.scale[0] = b0 != d0 ? (b0 - a0) / (b0 - d0) * 2 / T(size) : T(0);
  out.scale[1] = a0 != d0 ? (b0 - a0) / (d0 - a0) * 2 / T(size) : T(0);
  const bool first = (d0 - a0) * (d0 - c0) < 0;
  const T other = first ? (c1 - a1) / (c0 - a0) * (d0 - a0) + a1
                        : (b1 - c1) / (b0 - c0) * (d0 - c0) + c1;
  out.bounded = other > -T(1e9) && other < T(1e9);
  if (!out.bounded) return true;
  const int64_t limit =
      static_cast<int64_t>(out.step > 0 ? ceil(other) : floor(other));
  out.low = limit < out.inner ? limit : out.inner;
  out.high = limit < out.inner ? out.inner : limit;
  out.low = out.low < 0 ? 0 : out.low;
  out.high = out.high < size ? out.high : size - 1;
  return true;
}

// What one pixel at `d1` that would gain `gain` > 0 adds to the two corners' slopes,
// which are then multiplied by -1.
template <typename T>
SVR3D_HD T pulled(T gain, T d1, T at, T scale, T eps) {
  T move = scale * (d1 - at);
  move = move > 0 ? move + eps : move - eps;
  return gain / move;
}

}  // namespace svr3d
