// SPDX-License-Identifier: Apache-2.0
// Three-vectors for host and device code.
#pragma once

#include "macros.h"

namespace svr3d {

template <typename T>
struct Vec3 {
  T x, y, z;
};

template <typename T>
SVR3D_HD Vec3<T> load3(const T* p) {
  return {p[0], p[1], p[2]};
}

template <typename T>
SVR3D_HD Vec3<T> operator+(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}

template <typename T>
SVR3D_HD Vec3<T> operator-(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

template <typename T>
SVR3D_HD Vec3<T> operator*(const Vec3<T>& a, T s) {
  return {a.x * s, a.y * s, a.z * s};
}

template <typename T>
SVR3D_HD T dot(const Vec3<T>& a, const Vec3<T>& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

template <typename T>
SVR3D_HD Vec3<T> cross(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

}  // namespace svr3d
