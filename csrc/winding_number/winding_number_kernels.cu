// SPDX-License-Identifier: Apache-2.0
// One thread per point sums the solid angles of all faces, in their order.
#include "../common/cuda_launch.h"
#include "winding_number.h"
#include "winding_number_launch.h"

namespace svr3d {
namespace {

__global__ void winding_number_kernel(const double* vertices, const int64_t* faces,
                                      int64_t num_faces, const double* points,
                                      int64_t num_points, double* out) {
  constexpr double kTwoPi = 6.283185307179586477;
  SVR3D_GRID_LOOP(i, num_points) {
    const Vec3<double> point = load3(points + 3 * i);
    double sum = 0;
    for (int64_t f = 0; f < num_faces; ++f) {
      const Vec3<double> a = load3(vertices + 3 * faces[3 * f]);
      const Vec3<double> b = load3(vertices + 3 * faces[3 * f + 1]);
      const Vec3<double> c = load3(vertices + 3 * faces[3 * f + 2]);
      const Vec3<double> u = b - a, v = c - a;
      const Vec3<double> n = cross(u, v);
      if (!(dot(n, n) > 1e-28 * dot(u, u) * dot(v, v))) continue;  // without area
      sum += half_solid_angle(a - point, b - point, c - point);
    }
    out[i] = sum / kTwoPi;
  }
}

}  // namespace

void launch_winding_number(const double* vertices, const int64_t* faces,
                           int64_t num_faces, const double* points, int64_t num_points,
                           double* out, cudaStream_t stream) {
  if (num_points == 0) return;
  winding_number_kernel<<<blocks_for(num_points), kThreads, 0, stream>>>(
      vertices, faces, num_faces, points, num_points, out);
}

}  // namespace svr3d
