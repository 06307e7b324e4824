// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include <algorithm>

#include "../common/lanes_prepare.h"

namespace svr3d {

#define SVR3D_PER_SET "../rasterize_meshes/scan_lanes.h"
#include "../common/lanes_per_set.h"

void HitBuffer::reset(int new_height, int new_width) {
  height = new_height;
  width = new_width;
  const int chunk = portable::kChunk;
  stride = (width + 2 * chunk - 1) / chunk * chunk;
  closeness.assign(static_cast<size_t>(height) * stride, 0.0f);
  slot.resize(static_cast<size_t>(height) * stride);
  y0 = x0 = std::max(height, width);
  y1 = x1 = 0;
}

RasterCamera load_camera(const double* extrinsics, const double* intrinsics) {
  RasterCamera camera;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) camera.r[3 * i + j] = extrinsics[4 * i + j];
    camera.t[i] = extrinsics[4 * i + 3];
  }
  std::copy(intrinsics, intrinsics + 9, camera.k);
  return camera;
}

namespace {

// The same with holes, sample by sample.
bool scan_with_holes(const RasterTriangle& t, int32_t slot, float nearest,
                     float farthest, const HoleTest& holes, HitBuffer& hits) {
  bool any = false;
  for (int y = t.y0; y < t.y1; ++y) {
    for (int x = t.x0; x < t.x1; ++x) {
      double b[3];
      for (int i = 0; i < 3; ++i)
        b[i] = t.a[i] * (x + 0.5) + (t.b[i] * (y + 0.5) + t.c[i]);
      const double sum = b[0] + b[1] + b[2];
      const float w = static_cast<float>(sum);
      const int64_t i = int64_t(y) * hits.stride + x;
      if (!(b[0] >= 0 && b[1] >= 0 && b[2] >= 0 && w > hits.closeness[i] &&
            w <= nearest && w >= farthest))
        continue;
      if (holes.is_hole(t.face, b, 1 / sum)) continue;
      hits.closeness[i] = w;
      hits.slot[i] = slot;
      any = true;
    }
  }
  return any;
}

using ScanTriangle = bool (*)(const RasterTriangle&, int32_t, float, float, HitBuffer&);

ScanTriangle scan_for_processor() {
#if SVR3D_X86
  if (instruction_set() == InstructionSet::kAvx512) return avx512::scan_triangle;
  if (instruction_set() == InstructionSet::kAvx2) return avx2::scan_triangle;
#endif
  return portable::scan_triangle;
}

SVR3D_CLONES void project_vertices(const RasterCamera& camera, const double* vertices,
                                   int64_t count, ViewVertices& out) {
  double *x = out.x.data(), *y = out.y.data(), *z = out.z.data();
  double *u = out.u.data(), *v = out.v.data();
  SVR3D_VECTORIZE
  for (int64_t i = 0; i < count; ++i) {
    const Vec3<double> p = to_pixel_space(
        camera, {vertices[3 * i], vertices[3 * i + 1], vertices[3 * i + 2]});
    x[i] = p.x;
    y[i] = p.y;
    z[i] = p.z;
    u[i] = p.x / p.z;
    v[i] = p.y / p.z;
  }
}

constexpr int kFaces = 256;  // faces whose boxes are found at once

// What a block of faces may cover.
struct Boxes {
  int32_t x0[kFaces], x1[kFaces], y0[kFaces], y1[kFaces];
  int32_t crossing[kFaces];  // the near plane cuts it: its box is not this one
  int32_t drawn[kFaces];
};

// Unlike fmin and fmax these are one instruction; where a corner has no pixel, its face
// crosses the near plane, and its box is not used.
SVR3D_HD double least(double a, double b, double c) {
  const double low = a < b ? a : b;
  return low < c ? low : c;
}

SVR3D_HD double most(double a, double b, double c) {
  const double high = a > b ? a : b;
  return high > c ? high : c;
}

SVR3D_CLONES void find_boxes(const ViewVertices& corners, const int64_t* faces,
                             int count, int height, int width, double near, double far,
                             Boxes& out) {
  const double *z = corners.z.data(), *u = corners.u.data(), *v = corners.v.data();
  SVR3D_VECTORIZE
  for (int i = 0; i < count; ++i) {
    const int64_t a = faces[3 * i], b = faces[3 * i + 1], c = faces[3 * i + 2];
    const double z_min = least(z[a], z[b], z[c]), z_max = most(z[a], z[b], z[c]);
    int x0, x1, y0, y1;
    centre_range(least(u[a], u[b], u[c]), most(u[a], u[b], u[c]), width, x0, x1);
    centre_range(least(v[a], v[b], v[c]), most(v[a], v[b], v[c]), height, y0, y1);
    const bool in_reach = (z_max >= near) & (z_min <= far);
    const bool cut = z_min < near;
    out.x0[i] = x0;
    out.x1[i] = x1;
    out.y0[i] = y0;
    out.y1[i] = y1;
    out.crossing[i] = cut;
    out.drawn[i] = in_reach & (cut | ((x0 < x1) & (y0 < y1)));
  }
}

}  // namespace

void rasterize_view(const RasterCamera& camera, const double* vertices,
                    int64_t num_vertices, const int64_t* faces, int64_t num_faces,
                    double near, double far, bool cull_backfaces,
                    const HoleTest* holes, ViewVertices& corners,
                    std::vector<RasterTriangle>& triangles, HitBuffer& hits) {
  for (auto* values : {&corners.x, &corners.y, &corners.z, &corners.u, &corners.v})
    values->resize(num_vertices);
  size_t kept = 0;
  project_vertices(camera, vertices, num_vertices, corners);
  const float nearest = static_cast<float>(1 / near);
  const float farthest = static_cast<float>(1 / far);
  const ScanTriangle scan_triangle = scan_for_processor();
  Boxes boxes;
  for (int64_t first = 0; first < num_faces; first += kFaces) {
    const int count = static_cast<int>(std::min<int64_t>(kFaces, num_faces - first));
    find_boxes(corners, faces + 3 * first, count, hits.height, hits.width, near, far,
               boxes);
    for (int i = 0; i < count; ++i) {
      if (!boxes.drawn[i]) continue;
      const int64_t f = first + i;
      Vec3<double> p[3];
      for (int k = 0; k < 3; ++k) {
        const int64_t n = faces[3 * f + k];
        p[k] = {corners.x[n], corners.y[n], corners.z[n]};
      }
      if (kept == triangles.size()) triangles.resize(2 * kept + kFaces);
      RasterTriangle& triangle = triangles[kept];
      triangle.face = static_cast<int32_t>(f);
      triangle.x0 = boxes.x0[i];
      triangle.x1 = boxes.x1[i];
      triangle.y0 = boxes.y0[i];
      triangle.y1 = boxes.y1[i];
      if (boxes.crossing[i] &&
          !pixel_box(p, hits.height, hits.width, near, far, triangle))
        continue;
      if (!setup_planes(p, triangle) || (cull_backfaces && triangle.back)) continue;
      const int32_t slot = static_cast<int32_t>(kept);
      if (!(holes && holes->applies(f)
                ? scan_with_holes(triangle, slot, nearest, farthest, *holes, hits)
                : scan_triangle(triangle, slot, nearest, farthest, hits)))
        continue;
      ++kept;
      hits.y0 = std::min(hits.y0, triangle.y0);
      hits.y1 = std::max(hits.y1, triangle.y1);
      hits.x0 = std::min(hits.x0, triangle.x0);
      hits.x1 = std::max(hits.x1, triangle.x1);
    }
  }
}

}  // namespace svr3d
