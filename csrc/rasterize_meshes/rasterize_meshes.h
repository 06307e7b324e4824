// SPDX-License-Identifier: Apache-2.0
// Homogeneous triangle rasterisation: no clipping, perspective-correct.
//
// Olano and Greer, "Triangle scan conversion using 2D homogeneous coordinates"
// (1997). With P = [p0 p1 p2] the camera-space corners times the intrinsics, the
// pixel q = (x, y, 1) meets the triangle's plane at depth z where P b = z q, hence
// b / z = P^-1 q: each b_i / z is an affine function of the pixel, and so is their
// sum 1 / z. A corner behind the camera needs no special treatment.
#pragma once

#include "../common/vec3.h"

namespace svr3d {

struct RasterCamera {
  double r[9];  // object-to-camera rotation, row-major
  double t[3];
  double k[9];  // intrinsics, row-major, last row (0, 0, 1)
};

struct RasterTriangle {
  // b_i / z = a[i] * x + b[i] * y + c[i] in pixels
  double a[3], b[3], c[3];
  // Half-open box of pixel indices that can be covered.
  int x0, x1, y0, y1;
  bool back;  // the camera sees the clockwise side
  int32_t face;  // which face this is, where triangles are kept
};

SVR3D_HD Vec3<double> to_pixel_space(const RasterCamera& camera, Vec3<double> v) {
  const double* r = camera.r;
  const double* k = camera.k;
  const double x = r[0] * v.x + r[1] * v.y + r[2] * v.z + camera.t[0];
  const double y = r[3] * v.x + r[4] * v.y + r[5] * v.z + camera.t[1];
  const double z = r[6] * v.x + r[7] * v.y + r[8] * v.z + camera.t[2];
  return {k[0] * x + k[1] * y + k[2] * z, k[4] * y + k[5] * z, z};
}

SVR3D_HD void grow_box(double x, double y, double box[4]) {
  box[0] = x < box[0] ? x : box[0];
  box[1] = x > box[1] ? x : box[1];
  box[2] = y < box[2] ? y : box[2];
  box[3] = y > box[3] ? y : box[3];
}

SVR3D_HD int clamp_pixel(double value, int size) {
  const double low = value > 0 ? value : 0;  // NaN too
  return static_cast<int>(low < size ? low : size);
}

// Pixels [begin, end) whose centres may lie in [low, high]; the slack absorbs rounding.
SVR3D_HD void centre_range(double low, double high, int size, int& begin, int& end) {
  const double slack = 1e-6 + 1e-9 * (fabs(low) + fabs(high));
  begin = clamp_pixel(ceil(low - 0.5 - slack), size);
  end = clamp_pixel(floor(high - 0.5 + slack) + 1, size);
}

// Finds the pixels that a triangle may cover; false if there are none. The corners are
// in pixel space (pixel * depth, depth); `near` must be positive.
SVR3D_HD bool pixel_box(const Vec3<double> p[3], int height, int width, double near,
                        double far, RasterTriangle& out) {
  const double z_min = fmin(p[0].z, fmin(p[1].z, p[2].z));
  const double z_max = fmax(p[0].z, fmax(p[1].z, p[2].z));
  if (!(z_max >= near && z_min <= far)) return false;
  // Box of the part in front of the near plane.
  double box[4] = {1e300, -1e300, 1e300, -1e300};
  for (int i = 0; i < 3; ++i) {
    const Vec3<double> u = p[i], v = p[(i + 1) % 3];
    if (u.z >= near) grow_box(u.x / u.z, u.y / u.z, box);
    if ((u.z >= near) != (v.z >= near)) {
      const double s = (near - u.z) / (v.z - u.z);
      grow_box((u.x + s * (v.x - u.x)) / near, (u.y + s * (v.y - u.y)) / near, box);
    }
  }
  centre_range(box[0], box[1], width, out.x0, out.x1);
  centre_range(box[2], box[3], height, out.y0, out.y1);
  return out.x0 < out.x1 && out.y0 < out.y1;
}

// Prepares the planes of a triangle; false if it is edge-on or without area.
SVR3D_HD bool setup_planes(const Vec3<double> p[3], RasterTriangle& out) {
  const Vec3<double> e[3] = {cross(p[1], p[2]), cross(p[2], p[0]),
                             cross(p[0], p[1])};
  const double det = dot(p[0], e[0]);
  // The bound is relative to the size of the products, so that it only removes what
  // rounding decides.
  const double scale =
      fabs(p[0].x) * (fabs(p[1].y * p[2].z) + fabs(p[1].z * p[2].y)) +
      fabs(p[0].y) * (fabs(p[1].z * p[2].x) + fabs(p[1].x * p[2].z)) +
      fabs(p[0].z) * (fabs(p[1].x * p[2].y) + fabs(p[1].y * p[2].x));
  if (!(fabs(det) > 1e-15 * scale)) return false;
  for (int i = 0; i < 3; ++i) {
    out.a[i] = e[i].x / det;
    out.b[i] = e[i].y / det;
    out.c[i] = e[i].z / det;
  }
  // x right, y down, z forward: counter-clockwise faces have a negative triple
  // product when they look at the camera.
  out.back = det > 0;
  return true;
}

// Shrinks [begin, end) to the pixels of a row that one edge can leave covered.
SVR3D_HD void clip_span(double a, double value_at_zero, int& begin, int& end) {
  // a * (x + 0.5) + value_at_zero >= 0, with one pixel of slack
  if (a > 0) {
    const double x = -value_at_zero / a - 0.5;
    if (x - 1 > begin) begin = x - 1 < end ? static_cast<int>(x - 1) : end;
  } else if (a < 0) {
    const double x = -value_at_zero / a - 0.5;
    if (x + 2 < end) end = x + 2 > begin ? static_cast<int>(x + 2) : begin;
  } else if (!(value_at_zero >= 0)) {
    end = begin;
  }
}

}  // namespace svr3d
