// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include <algorithm>

namespace svr3d {

void HitBuffer::reset(int new_height, int new_width) {
  height = new_height;
  width = new_width;
  closeness.assign(static_cast<size_t>(height) * width, 0.0f);
  face.resize(static_cast<size_t>(height) * width);
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

SVR3D_CLONES void scan_triangle(const RasterTriangle& triangle, int32_t face,
                                float nearest, float farthest, HitBuffer& hits) {
  for (int y = triangle.y0; y < triangle.y1; ++y) {
    double row[3];
    int begin = triangle.x0, end = triangle.x1;
    for (int i = 0; i < 3; ++i) {
      row[i] = triangle.b[i] * (y + 0.5) + triangle.c[i];
      clip_span(triangle.a[i], row[i], begin, end);
    }
    if (begin >= end) continue;
    float* closeness = hits.closeness.data() + int64_t(y) * hits.width;
    int32_t* index = hits.face.data() + int64_t(y) * hits.width;
    const double a0 = triangle.a[0], a1 = triangle.a[1], a2 = triangle.a[2];
    const double r0 = row[0], r1 = row[1], r2 = row[2];
    SVR3D_VECTORIZE
    for (int x = begin; x < end; ++x) {
      const double centre = x + 0.5;
      const double b0 = a0 * centre + r0;
      const double b1 = a1 * centre + r1;
      const double b2 = a2 * centre + r2;
      const float w = static_cast<float>(b0 + b1 + b2);
      const bool hit = (b0 >= 0) & (b1 >= 0) & (b2 >= 0) & (w > closeness[x]) &
                       (w <= nearest) & (w >= farthest);
      closeness[x] = hit ? w : closeness[x];
      index[x] = hit ? face : index[x];
    }
  }
}

// The same with holes, sample by sample.
void scan_with_holes(const RasterTriangle& t, int32_t face, float nearest,
                     float farthest, const HoleTest& holes, HitBuffer& hits) {
  for (int y = t.y0; y < t.y1; ++y) {
    for (int x = t.x0; x < t.x1; ++x) {
      double b[3];
      for (int i = 0; i < 3; ++i)
        b[i] = t.a[i] * (x + 0.5) + (t.b[i] * (y + 0.5) + t.c[i]);
      const double sum = b[0] + b[1] + b[2];
      const float w = static_cast<float>(sum);
      const int64_t i = int64_t(y) * hits.width + x;
      if (!(b[0] >= 0 && b[1] >= 0 && b[2] >= 0 && w > hits.closeness[i] &&
            w <= nearest && w >= farthest))
        continue;
      if (holes.is_hole(face, b, 1 / sum)) continue;
      hits.closeness[i] = w;
      hits.face[i] = face;
    }
  }
}

}  // namespace

void rasterize_view(const RasterCamera& camera, const double* vertices,
                    int64_t num_vertices, const int64_t* faces, int64_t num_faces,
                    double near, double far, bool cull_backfaces,
                    const HoleTest* holes,
                    std::vector<Vec3<double>>& pixels,
                    std::vector<RasterTriangle>& triangles, HitBuffer& hits) {
  pixels.resize(num_vertices);
  triangles.resize(num_faces);
  for (int64_t i = 0; i < num_vertices; ++i)
    pixels[i] = to_pixel_space(camera, load3(vertices + 3 * i));
  const float nearest = static_cast<float>(1 / near);
  const float farthest = static_cast<float>(1 / far);
  for (int64_t f = 0; f < num_faces; ++f) {
    const Vec3<double> corners[3] = {pixels[faces[3 * f]], pixels[faces[3 * f + 1]],
                                     pixels[faces[3 * f + 2]]};
    RasterTriangle& triangle = triangles[f];
    if (!setup_triangle(corners, hits.height, hits.width, near, far, triangle))
      continue;
    if (cull_backfaces && triangle.back) continue;
    hits.y0 = std::min(hits.y0, triangle.y0);
    hits.y1 = std::max(hits.y1, triangle.y1);
    hits.x0 = std::min(hits.x0, triangle.x0);
    hits.x1 = std::max(hits.x1, triangle.x1);
    if (holes && holes->applies(f))
      scan_with_holes(triangle, static_cast<int32_t>(f), nearest, farthest, *holes,
                      hits);
    else
      scan_triangle(triangle, static_cast<int32_t>(f), nearest, farthest, hits);
  }
}

}  // namespace svr3d
