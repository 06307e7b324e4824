// SPDX-License-Identifier: Apache-2.0
// Arithmetic of soft silhouettes, for host and device.
//
// A face covers a pixel with D = sigmoid(+-d2 / sigma), d2 the squared distance to
// the face's border, plus inside. The pixel stays free of all faces with
// T = prod(1 - D) = 1 / prod(1 + E), E = exp(+-d2 / sigma).
#pragma once

#include <cmath>

#include "../common/exp.h"

namespace svr3d {

// 1 + E must stay finite, and its powers of two in range.
template <typename T>
struct SoftLimits;
template <>
struct SoftLimits<float> {
  static constexpr float low = -87, high = 88;
};
template <>
struct SoftLimits<double> {
  static constexpr double low = -700, high = 700;
};

template <typename T>
struct SoftTriangle {
  T x[3], y[3];    // corners, counter-clockwise
  T ex[3], ey[3];  // edge i leads from corner i to corner i + 1
  T inverse[3];    // 1 / squared length, 0 for an edge of no length
  T length[3];
  T inner;   // squared distance to the border that no inner point exceeds
  T box[4];  // x0, x1, y0, y1, grown by the radius
  bool swapped;  // corners 1 and 2 changed places
};

template <typename T>
SVR3D_HD T low3(T a, T b, T c) {
  const T low = a < b ? a : b;
  return low < c ? low : c;
}

template <typename T>
SVR3D_HD void setup_soft_triangle(const T* p0, const T* p1, const T* p2, T radius,
                                  SoftTriangle<T>& out) {
  T area = (p1[0] - p0[0]) * (p2[1] - p1[1]) - (p1[1] - p0[1]) * (p2[0] - p1[0]);
  out.swapped = area < 0;
  area = out.swapped ? -area : area;  // twice the area
  const T* corner[3] = {p0, out.swapped ? p2 : p1, out.swapped ? p1 : p2};
  T perimeter = 0;
  for (int i = 0; i < 3; ++i) {
    const T* from = corner[i];
    const T* to = corner[i == 2 ? 0 : i + 1];
    out.x[i] = from[0];
    out.y[i] = from[1];
    out.ex[i] = to[0] - from[0];
    out.ey[i] = to[1] - from[1];
    const T squared = out.ex[i] * out.ex[i] + out.ey[i] * out.ey[i];
    out.inverse[i] = squared > 0 ? 1 / squared : 0;
    out.length[i] = sqrt(squared);
    perimeter += out.length[i];
  }
  // The radius of the inscribed circle; bounds what rounding may call inside.
  const T inscribed = perimeter > 0 ? area / perimeter : 0;
  out.inner = inscribed * inscribed * T(1.001);
  out.box[0] = low3(p0[0], p1[0], p2[0]) - radius;
  out.box[1] = -low3(-p0[0], -p1[0], -p2[0]) + radius;
  out.box[2] = low3(p0[1], p1[1], p2[1]) - radius;
  out.box[3] = -low3(-p0[1], -p1[1], -p2[1]) + radius;
}

// Whether every point within `reach` of (x, y) is out of the face's sight.
template <typename T>
SVR3D_HD bool out_of_sight(const SoftTriangle<T>& t, T x, T y, T reach) {
  bool out = false;
  for (int i = 0; i < 3; ++i) {
    const T side = t.ex[i] * (y - t.y[i]) - t.ey[i] * (x - t.x[i]);
    out |= side < -reach * t.length[i];
  }
  return out;
}

// One face at one pixel, without branches; V is a number, or a vector of them.
template <typename V>
struct SoftPixel {
  V squared;  // distance to the border
  V side;     // not negative inside
  V rx, ry;   // from the nearest point of the border to the pixel
  V w[3];     // corner weights of the nearest point
};

template <bool kGradient, typename V, typename T>
SVR3D_HD void soft_pixel(const SoftTriangle<T>& t, const V& x, const V& y,
                         SoftPixel<V>& out) {
  const V zero = x * T(0), one = zero + T(1);
  for (int i = 0; i < 3; ++i) {
    const V dx = x - t.x[i], dy = y - t.y[i];
    const V side = t.ex[i] * dy - t.ey[i] * dx;
    V u = (dx * t.ex[i] + dy * t.ey[i]) * t.inverse[i];
    u = select(u > zero, u, zero);
    u = select(u < one, u, one);
    const V qx = dx - u * t.ex[i], qy = dy - u * t.ey[i];
    const V squared = qx * qx + qy * qy;
    if (i == 0) {
      out = {squared, side, qx, qy, {one - u, u, zero}};
      continue;
    }
    out.side = select(side < out.side, side, out.side);
    if (kGradient) {
      const auto nearer = squared < out.squared;
      out.rx = select(nearer, qx, out.rx);
      out.ry = select(nearer, qy, out.ry);
      const V v = one - u;
      out.w[0] = select(nearer, i == 1 ? zero : u, out.w[0]);
      out.w[1] = select(nearer, i == 1 ? v : zero, out.w[1]);
      out.w[2] = select(nearer, i == 1 ? u : v, out.w[2]);
    }
    out.squared = select(squared < out.squared, squared, out.squared);
  }
}

// E of a pixel, 0 where the face is not seen; `sign` gets +slope inside, else -slope.
template <typename V, typename T>
SVR3D_HD V soft_exponential(const SoftTriangle<T>& t, const SoftPixel<V>& p, T slope,
                            T limit, V& sign) {
  const V zero = p.squared * T(0);
  const V inner = select(p.squared <= zero + t.inner, p.side, zero - T(1));
  sign = select(inner >= zero, zero + slope, zero - slope);
  V scaled = sign * p.squared;
  scaled = select(scaled < zero + SoftLimits<T>::high, scaled,
                  zero + SoftLimits<T>::high);
  scaled =
      select(scaled > zero + SoftLimits<T>::low, scaled, zero + SoftLimits<T>::low);
  const V e = bounded_exp(scaled, T());
  const V reach = select(inner >= zero, zero - T(1), p.squared);
  return select(reach < zero + limit, e, zero);
}

// Adds the pixel's share to the gradient (x, y of each corner). `pull` is dL/dT times
// -T: dT/ds = -T D with s = sign d2 / sigma, and d2 = |r|^2 moves against the corners.
template <typename V, typename T>
SVR3D_HD void add_soft_gradient(const SoftTriangle<T>& t, const SoftPixel<V>& p,
                                T slope, T limit, const V& pull, V sum[6]) {
  V sign;
  const V e = soft_exponential(t, p, slope, limit, sign);
  const V scale = pull * sign * T(-2) * (e / (e + T(1)));
  const V gx = scale * p.rx, gy = scale * p.ry;
  for (int k = 0; k < 3; ++k) {
    sum[2 * k] += p.w[k] * gx;
    sum[2 * k + 1] += p.w[k] * gy;
  }
}

// Centre of pixel i of `count` along x; rows count from the top, along -y.
template <typename T>
SVR3D_HD T pixel_centre(int64_t i, int64_t count) {
  return (2 * T(i) + 1 - T(count)) / T(count);
}

}  // namespace svr3d
