// SPDX-License-Identifier: Apache-2.0
// One thread per point looks at all faces, in their order.
#include "../common/cuda_launch.h"
#include "point_mesh_distance.h"
#include "point_mesh_distance_launch.h"

namespace svr3d {
namespace {

__global__ void records_kernel(const double* vertices, const int64_t* faces,
                               int64_t num_faces, FaceRecord* records) {
  SVR3D_GRID_LOOP(f, num_faces) {
    records[f] = make_face_record(load3(vertices + 3 * faces[3 * f]),
                                  load3(vertices + 3 * faces[3 * f + 1]),
                                  load3(vertices + 3 * faces[3 * f + 2]));
  }
}

__global__ void nearest_kernel(const double* points, int64_t num_points,
                               const FaceRecord* records, int64_t num_faces,
                               int64_t* nearest, double* weights) {
  SVR3D_GRID_LOOP(i, num_points) {
    const Vec3<double> point = load3(points + 3 * i);
    FacePoint best = nearest_on_face(records[0], point);
    int64_t face = 0;
    for (int64_t f = 1; f < num_faces; ++f) {
      const FacePoint found = nearest_on_face(records[f], point);
      if (!precedes_face(found.squared_distance, f, best.squared_distance, face))
        continue;
      best = found;
      face = f;
    }
    nearest[i] = face;
    write_weights(best, weights + 3 * i);
  }
}

}  // namespace

void launch_point_mesh_distance(const double* points, int64_t num_points,
                                const double* vertices, const int64_t* faces,
                                int64_t num_faces, double* scratch, int64_t* nearest,
                                double* weights, cudaStream_t stream) {
  if (num_points == 0) return;
  FaceRecord* records = reinterpret_cast<FaceRecord*>(scratch);
  records_kernel<<<blocks_for(num_faces), kThreads, 0, stream>>>(vertices, faces,
                                                                 num_faces, records);
  nearest_kernel<<<blocks_for(num_points), kThreads, 0, stream>>>(
      points, num_points, records, num_faces, nearest, weights);
}

}  // namespace svr3d
