// SPDX-License-Identifier: Apache-2.0
// Winding number of triangles: exact solid angles and a far-field expansion.
//
// Exact: van Oosterom and Strackee, "The solid angle of a plane triangle" (1983).
// Far field: Barill et al., "Fast winding numbers for soups and clouds" (2018),
// to second order. The kernel (x - q) / |x - q|^3 is the gradient of a harmonic
// function, so its derivatives are symmetric: only the symmetric parts and the
// traces of the moments matter, 23 numbers in place of 39.
#pragma once

#include <math.h>

#include "../common/vec3.h"

namespace svr3d {

// Moments of a group of triangles about `centre`, weighted by the area vectors.
template <typename T>
struct FarField {
  T centre[3];
  T radius;     // no triangle reaches further from the centre
  T first[3];   // sum of area vectors
  T second[6];  // symmetric part of sum a_i c_j: xx yy zz xy xz yz
  T trace;      // its trace
  T third[10];  // symmetrised a_i d_j d_k: xxx yyy zzz xxy xxz yyx yyz zzx zzy xyz
  T third_trace[3];
};

// Arc tangent of y / x in (-pi, pi], branch-free; absolute error below 3e-7 rad
// in float, where a winding number needs no more.
SVR3D_HD float fast_atan2(float y, float x) {
  const float ax = x < 0 ? -x : x;
  const float ay = y < 0 ? -y : y;
  const float high = ax > ay ? ax : ay;
  const float low = ax > ay ? ay : ax;
  const float t = low / (high > 1e-37f ? high : 1e-37f);
  const float s = t * t;
  // Least-squares fit of atan(t) / t in s = t^2 over [0, 1].
  float p = -0.00147351062f;
  p = p * s + 0.00939751397f;
  p = p * s + -0.0281515812f;
  p = p * s + 0.0546577304f;
  p = p * s + -0.0818973974f;
  p = p * s + 0.108686002f;
  p = p * s + -0.142450602f;
  p = p * s + 0.199961682f;
  p = p * s + -0.333331653f;
  p = p * s + 0.999999978f;
  float angle = p * t;
  angle = ay > ax ? 1.57079632679489662f - angle : angle;
  angle = x < 0 ? 3.14159265358979324f - angle : angle;
  return y < 0 ? -angle : angle;
}

SVR3D_HD float half_angle(float y, float x) { return fast_atan2(y, x); }
SVR3D_HD double half_angle(double y, double x) { return atan2(y, x); }
SVR3D_HD float square_root(float x) { return sqrtf(x); }
SVR3D_HD double square_root(double x) { return sqrt(x); }

// Sine and cosine, up to a factor, of half the solid angle of a triangle.
template <typename T>
struct TriangleView {
  T sine, cosine;
  T products;  // la lb + lb lc + lc la, by which the rounding of the sine grows
};

// How the origin sees the triangle (a, b, c).
template <typename T>
SVR3D_HD TriangleView<T> view_triangle(const Vec3<T>& a, const Vec3<T>& b,
                                       const Vec3<T>& c) {
  const T la = square_root(dot(a, a));
  const T lb = square_root(dot(b, b));
  const T lc = square_root(dot(c, c));
  return {dot(a, cross(b, c)),
          la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb,
          la * lb + lb * lc + lc * la};
}

// Half the solid angle. A point in the triangle's plane sees none of it, also on the
// triangle itself.
template <typename T>
SVR3D_HD T half_solid_angle(const TriangleView<T>& view) {
  const T angle = half_angle(view.sine, view.cosine);
  return view.sine == T(0) ? T(0) : angle;
}

template <typename T>
SVR3D_HD T half_solid_angle(const Vec3<T>& a, const Vec3<T>& b, const Vec3<T>& c) {
  return half_solid_angle(view_triangle(a, b, c));
}

// Whether rounding may decide from which side the triangle is seen, by a point that is
// almost on it; for coordinates up to 1.
template <typename T>
SVR3D_HD bool is_side_doubtful(const TriangleView<T>& view) {
  const T size = view.sine < 0 ? -view.sine : view.sine;
  return size < T(1e-6) * view.products && view.cosine < T(1e-3) * view.products;
}

// Sum of half solid angles, in radians, of the group as seen from `q`.
template <typename T>
SVR3D_HD T far_half_angle(const FarField<T>& f, T qx, T qy, T qz) {
  const T x = f.centre[0] - qx, y = f.centre[1] - qy, z = f.centre[2] - qz;
  const T r2 = x * x + y * y + z * z;
  const T i2 = T(1) / r2;
  const T i3 = i2 / square_root(r2);
  const T i5 = i3 * i2;
  const T* s = f.second;
  const T* t = f.third;
  T angle = (f.first[0] * x + f.first[1] * y + f.first[2] * z + f.trace) * i3;
  const T quadratic = s[0] * x * x + s[1] * y * y + s[2] * z * z +
                      T(2) * (s[3] * x * y + s[4] * x * z + s[5] * y * z);
  const T cubic = x * x * (t[0] * x + T(3) * (t[3] * y + t[4] * z)) +
                  y * y * (t[1] * y + T(3) * (t[5] * x + t[6] * z)) +
                  z * z * (t[2] * z + T(3) * (t[7] * x + t[8] * y)) +
                  T(6) * t[9] * x * y * z;
  const T traces =
      f.third_trace[0] * x + f.third_trace[1] * y + f.third_trace[2] * z;
  angle -= T(3) * quadratic * i5;
  angle += (T(7.5) * cubic * i2 - T(1.5) * traces) * i5;
  return T(0.5) * angle;
}

}  // namespace svr3d
