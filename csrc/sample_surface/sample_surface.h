// SPDX-License-Identifier: Apache-2.0
// Arithmetic of area-weighted surface samples, for host and device. Everything is
// computed in double, whatever the type of the vertices, so that tiny and large
// triangles keep their areas and both devices draw the same faces.
#pragma once

#include <cmath>
#include <cstdint>

#include "../common/vec3.h"

namespace svr3d {

// Areas are summed in blocks of this many faces, then the blocks: a fixed order of
// additions, which threads of both devices can share.
constexpr int64_t kAreaBlock = 256;

// Finaliser of SplitMix64 (Steele et al., "Fast splittable pseudorandom number
// generators", 2014): every number of the stream follows from its position alone.
SVR3D_HD uint64_t mix_bits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

SVR3D_HD uint64_t stream_of(int64_t seed) {
  return mix_bits(static_cast<uint64_t>(seed));
}

struct SurfaceDraw {
  double area;        // in [0, 1 - 2^-52], so that area * total < total
  double root, share;  // square root of a uniform number; a uniform number
};

SVR3D_HD SurfaceDraw surface_draw(uint64_t stream, int64_t sample) {
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15ull;
  const uint64_t at = stream + 2 * static_cast<uint64_t>(sample) * kStep;
  const uint64_t first = mix_bits(at + kStep), second = mix_bits(at + 2 * kStep);
  SurfaceDraw draw;
  draw.area = static_cast<double>(static_cast<int64_t>(first >> 12)) * 0x1p-52;
  draw.root = sqrt(static_cast<double>(static_cast<int64_t>(second >> 32)) * 0x1p-32);
  draw.share =
      static_cast<double>(static_cast<int64_t>(second & 0xFFFFFFFFull)) * 0x1p-32;
  return draw;
}

// Weights of the three corners (Osada et al., "Shape distributions", 2002).
SVR3D_HD Vec3<double> corner_weights(double root, double share) {
  return {1 - root, root * (1 - share), root * share};
}

template <typename T>
SVR3D_HD Vec3<double> corner(const T* vertices, int64_t index) {
  const T* p = vertices + 3 * index;
  return {static_cast<double>(p[0]), static_cast<double>(p[1]),
          static_cast<double>(p[2])};
}

// Normal whose length is twice the area of a face.
template <typename T>
SVR3D_HD Vec3<double> area_normal(const T* vertices, const int64_t* face) {
  const Vec3<double> a = corner(vertices, face[0]);
  return cross(corner(vertices, face[1]) - a, corner(vertices, face[2]) - a);
}

template <typename T>
SVR3D_HD double double_area(const T* vertices, const int64_t* face) {
  const Vec3<double> normal = area_normal(vertices, face);
  return sqrt(dot(normal, normal));
}

// First face whose running sum of areas exceeds the target; faces without area have
// their predecessor's sum, hence are never picked.
SVR3D_HD int64_t first_above(const double* sums, int64_t low, int64_t high,
                             double target) {
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (sums[middle] > target)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

// Gradients at the corners of a face from those of one sample's point and unit normal.
template <typename T>
SVR3D_HD void corner_gradients(const T* vertices, const int64_t* face,
                               const Vec3<double>& weights, const Vec3<double>& point,
                               const Vec3<double>& normal, Vec3<double>* out) {
  const Vec3<double> a = corner(vertices, face[0]);
  const Vec3<double> ab = corner(vertices, face[1]) - a;
  const Vec3<double> ac = corner(vertices, face[2]) - a;
  const Vec3<double> n = cross(ab, ac);
  const double inverse = 1 / sqrt(dot(n, n));
  const Vec3<double> unit = n * inverse;
  const Vec3<double> along = (normal - unit * dot(normal, unit)) * inverse;
  const Vec3<double> to_b = cross(ac, along), to_c = cross(along, ab);
  out[0] = point * weights.x - to_b - to_c;
  out[1] = point * weights.y + to_b;
  out[2] = point * weights.z + to_c;
}

}  // namespace svr3d
