// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the distance from a point to a triangle, for host and device. The
// vectors of the CPU search (face_search.h) evaluate it in the same order of
// operations, so that every search finds the same face.
#pragma once

#include <cmath>
#include <cstdint>

#include "../common/vec3.h"

namespace svr3d {

// What is computed once per face. Over a flat face `across_u`, `across_v` and `normal`
// are NaN, so that no point projects into it and its edges alone count.
struct FaceRecord {
  Vec3<double> corner, u, v;        // a, b - a, c - a
  Vec3<double> across_u, across_v;  // give the weights of b and c by a dot product
  Vec3<double> normal;              // of unit length
  double per_uu, per_vv, per_ww;    // one over the squared edges; 0 without length
};
constexpr int kFaceNumbers = 21;
static_assert(sizeof(FaceRecord) == kFaceNumbers * sizeof(double), "read as numbers");

// Nearest point of a face, (1 - of_b - of_c) a + of_b b + of_c c.
struct FacePoint {
  double squared_distance, of_b, of_c;
};

// Faces whose sine at a corner is below 1e-8 are flat: as seen by double precision
// their inside is as uncertain as it is thin.
constexpr double kFlatSquaredSine = 1e-16;
constexpr double kNoLength = 1e-280;

SVR3D_HD double inverse_of(double squared_length) {
  return squared_length > kNoLength ? 1 / squared_length : 0;
}

SVR3D_HD FaceRecord make_face_record(const Vec3<double>& a, const Vec3<double>& b,
                                     const Vec3<double>& c) {
  FaceRecord face;
  face.corner = a;
  face.u = b - a;
  face.v = c - a;
  const Vec3<double> w = face.v - face.u, n = cross(face.u, face.v);
  const double uu = dot(face.u, face.u), vv = dot(face.v, face.v), nn = dot(n, n);
  face.per_uu = inverse_of(uu);
  face.per_vv = inverse_of(vv);
  face.per_ww = inverse_of(dot(w, w));
  const bool solid = nn > kFlatSquaredSine * uu * vv && nn > kNoLength;
  const double per_nn = solid ? 1 / nn : NAN;
  face.across_u = cross(face.v, n) * per_nn;
  face.across_v = cross(n, face.u) * per_nn;
  face.normal = n * (solid ? 1 / sqrt(nn) : NAN);
  return face;
}

SVR3D_HD double clamp_to_edge(double along) {
  const double positive = along > 0 ? along : 0;
  return positive < 1 ? positive : 1;
}

SVR3D_HD FacePoint nearest_on_face(const FaceRecord& face, const Vec3<double>& point) {
  const Vec3<double> from_a = point - face.corner, from_b = from_a - face.u;
  const Vec3<double> w = face.v - face.u;
  const double along_u = clamp_to_edge(dot(face.u, from_a) * face.per_uu);
  const double along_v = clamp_to_edge(dot(face.v, from_a) * face.per_vv);
  const double along_w = clamp_to_edge(dot(w, from_b) * face.per_ww);
  const Vec3<double> to_u = from_a - face.u * along_u;
  const Vec3<double> to_v = from_a - face.v * along_v;
  const Vec3<double> to_w = from_b - w * along_w;
  FacePoint found = {dot(to_u, to_u), along_u, 0};
  const double by_v = dot(to_v, to_v), by_w = dot(to_w, to_w);
  if (by_v < found.squared_distance) found = {by_v, 0, along_v};
  if (by_w < found.squared_distance) found = {by_w, 1 - along_w, along_w};
  const double of_b = dot(face.across_u, from_a), of_c = dot(face.across_v, from_a);
  if (of_b > 0 && of_c > 0 && of_b + of_c < 1) {
    const double height = dot(face.normal, from_a);
    found = {height * height, of_b, of_c};
  }
  return found;
}

// Whether a face precedes the best: nearer, or as near and of a lower index.
SVR3D_HD bool precedes_face(double distance, int64_t face, double best,
                            int64_t best_face) {
  return distance < best || (distance == best && face < best_face);
}

SVR3D_HD void write_weights(const FacePoint& found, double* weights) {
  weights[0] = 1 - found.of_b - found.of_c;
  weights[1] = found.of_b;
  weights[2] = found.of_c;
}

}  // namespace svr3d
