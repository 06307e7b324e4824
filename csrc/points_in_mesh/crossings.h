// SPDX-License-Identifier: Apache-2.0
// How the line from a point towards +z crosses a triangle.
//
// An edge is seen from its lower end in y and covers a half-open range of y, so that
// the two triangles of an edge agree bit for bit on which side a point lies: around a
// closed mesh every line is crossed an even number of times, and as often upwards as
// downwards.
#pragma once

#include <type_traits>

#include "../common/vec3.h"

namespace svr3d {

// An integer as wide as T, so that both fill vectors of as many lanes.
template <typename T>
using Lane = typename std::conditional<sizeof(T) == 4, int, long long>::type;

template <typename T>
struct CrossedTriangle {
  T low_y[3], high_y[3];  // per edge
  T x[3], slope[3];       // at the lower end; change of x with y
  Lane<T> direction[3];   // +1 if the edge runs towards larger y, else -1
  T origin[3];            // a corner
  T along_x, along_y;     // slopes of the plane
  T bottom, top;          // range of z
  T low[2], high[2];      // bounding box in x and y
};

template <typename T>
SVR3D_HD T smaller(T a, T b) {
  return a < b ? a : b;
}
template <typename T>
SVR3D_HD T larger(T a, T b) {
  return a > b ? a : b;
}

template <typename T>
SVR3D_HD CrossedTriangle<T> crossed_triangle(const T* p0, const T* p1, const T* p2,
                                           const T* shift) {
  // Relative to the mesh's box, where coordinates have their full precision.
  const T a[3] = {p0[0] - shift[0], p0[1] - shift[1], p0[2] - shift[2]};
  const T b[3] = {p1[0] - shift[0], p1[1] - shift[1], p1[2] - shift[2]};
  const T c[3] = {p2[0] - shift[0], p2[1] - shift[1], p2[2] - shift[2]};
  CrossedTriangle<T> t;
  const T* corner[3] = {a, b, c};
  for (int i = 0; i < 3; ++i) {
    const T* p = corner[i];
    const T* q = corner[(i + 1) % 3];
    const bool rises = p[1] < q[1];
    const T* lower = rises ? p : q;
    const T* upper = rises ? q : p;
    t.direction[i] = rises ? 1 : -1;
    const T height = upper[1] - lower[1];
    t.low_y[i] = lower[1];
    t.high_y[i] = upper[1];
    t.x[i] = lower[0];
    t.slope[i] = height > 0 ? (upper[0] - lower[0]) / height : T(0);
  }
  for (int k = 0; k < 3; ++k) t.origin[k] = a[k];
  for (int k = 0; k < 2; ++k) {
    t.low[k] = smaller(a[k], smaller(b[k], c[k]));
    t.high[k] = larger(a[k], larger(b[k], c[k]));
  }
  t.bottom = smaller(a[2], smaller(b[2], c[2]));
  t.top = larger(a[2], larger(b[2], c[2]));
  const Vec3<T> n = cross(load3(b) - load3(a), load3(c) - load3(a));
  t.along_x = n.z == 0 ? T(0) : -n.x / n.z;
  t.along_y = n.z == 0 ? T(0) : -n.y / n.z;
  return t;
}

// +1 if the line crosses the triangle from below, the corners counter-clockwise as seen
// from above; -1 if they are clockwise; 0 if the line misses it.
template <typename T>
SVR3D_HD Lane<T> crossing_above(const CrossedTriangle<T>& t, T x, T y, T z) {
  using Mask = Lane<T>;
  Mask sum = 0;
  for (int i = 0; i < 3; ++i) {
    const T edge = t.x[i] + (y - t.low_y[i]) * t.slope[i];
    const Mask from = t.low_y[i] <= y ? Mask(-1) : Mask(0);
    const Mask to = y < t.high_y[i] ? Mask(-1) : Mask(0);
    const Mask left = x < edge ? Mask(-1) : Mask(0);
    sum += from & to & left & t.direction[i];
  }
  T height =
      t.origin[2] + t.along_x * (x - t.origin[0]) + t.along_y * (y - t.origin[1]);
  height = height > t.bottom ? height : t.bottom;
  height = height < t.top ? height : t.top;
  const Mask above = z < height ? Mask(-1) : Mask(0);
  return sum & above;
}

}  // namespace svr3d
