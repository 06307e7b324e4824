// SPDX-License-Identifier: Apache-2.0
// Host-side scan conversion that the rasteriser and the colour renderer share.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "rasterize_meshes.h"

namespace svr3d {

// Nearest hits of one view. `closeness` is 1 / depth, zero where nothing was hit; `slot`
// is the place of the triangle among those that were kept.
struct HitBuffer {
  // Rows are longer than the image, so that loops of a fixed length may run beyond it.
  int height = 0, width = 0, stride = 0;
  std::vector<float> closeness;
  std::vector<int32_t> slot;
  int y0 = 0, y1 = 0, x0 = 0, x1 = 0;  // box that holds all hits

  void reset(int new_height, int new_width);
};

// Lets a caller see through parts of a face, by the corner weights of the sample
// (weights[i] * z sum to one).
class HoleTest {
 public:
  virtual ~HoleTest() = default;
  virtual bool applies(int64_t face) const = 0;
  virtual bool is_hole(int64_t face, const double* weights, double z) const = 0;
};

// Vertices of one view in pixel space (pixel * depth, depth), and their pixels.
struct ViewVertices {
  std::vector<double> x, y, z, u, v;
};

// Rasterises one view into `hits`. The triangles that hit a pixel, of which some were
// hidden later, come first in `triangles`; ties go to the lower face index. `corners`
// is room for the vertices; `holes` may be null.
void rasterize_view(const RasterCamera& camera, const double* vertices,
                    int64_t num_vertices, const int64_t* faces, int64_t num_faces,
                    double near, double far, bool cull_backfaces,
                    const HoleTest* holes,
                    ViewVertices& corners,
                    std::vector<RasterTriangle>& triangles, HitBuffer& hits);

RasterCamera load_camera(const double* extrinsics, const double* intrinsics);

}  // namespace svr3d
