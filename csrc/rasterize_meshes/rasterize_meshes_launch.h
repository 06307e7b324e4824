// SPDX-License-Identifier: Apache-2.0
// Launchers that the kernel file offers to the binding: raw pointers, sizes, a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace svr3d {

// Packed meshes: `spans` has first vertex, number of vertices, first face and number
// of faces of each, and views show mesh mesh_index[view].
struct RasterBatch {
  const double* vertices;
  const int64_t* faces;
  const int64_t* spans;
  const int64_t* mesh_index;
  const double* extrinsics;  // (views, 3, 4)
  const double* intrinsics;  // (views, 3, 3)
  int64_t views, most_faces, height, width;
  double near, far;
  bool cull_backfaces;
};

// keys (views, height, width) is scratch.
void launch_rasterize_meshes(const RasterBatch& given, uint64_t* keys, int64_t* face,
                             float* depth, float* barycentric, cudaStream_t stream);

}  // namespace svr3d
