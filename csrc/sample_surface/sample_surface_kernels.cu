// SPDX-License-Identifier: Apache-2.0
// One thread per face for the areas, per block of faces and per mesh for their sums,
// per sample for the draws. The sums are added in the order of the host's.
#include "../common/cuda_launch.h"
#include "sample_surface.h"
#include "sample_surface_launch.h"

namespace svr3d {
namespace {

template <typename T>
__global__ void areas_kernel(MeshBatch<T> meshes, double* sums) {
  SVR3D_GRID_LOOP(i, meshes.batch * meshes.num_faces) {
    const int64_t b = i / meshes.num_faces, face = i % meshes.num_faces;
    if (face < meshes.lengths[b])
      sums[i] = double_area(meshes.vertices + 3 * meshes.num_vertices * b,
                            meshes.faces + meshes.face_stride * b + 3 * face);
  }
}

__global__ void block_sums_kernel(const int64_t* lengths, int64_t batch, int64_t faces,
                                  int64_t blocks, double* sums) {
  SVR3D_GRID_LOOP(i, batch * blocks) {
    const int64_t b = i / blocks, begin = i % blocks * kAreaBlock;
    const int64_t end =
        lengths[b] < begin + kAreaBlock ? lengths[b] : begin + kAreaBlock;
    double* mesh = sums + faces * b;
    for (int64_t k = begin + 1; k < end; ++k) mesh[k] += mesh[k - 1];
  }
}

// One block of threads per mesh: they add the running offset to each block of faces.
__global__ void join_sums_kernel(const int64_t* lengths, int64_t batch, int64_t faces,
                                 double* sums) {
  for (int64_t b = blockIdx.x; b < batch; b += gridDim.x) {
    double* mesh = sums + faces * b;
    for (int64_t begin = kAreaBlock; begin < lengths[b]; begin += kAreaBlock) {
      const int64_t k = begin + threadIdx.x;
      const double offset = mesh[begin - 1];
      if (k < lengths[b]) mesh[k] += offset;
      __syncthreads();
    }
  }
}

template <typename T>
__global__ void draw_kernel(MeshBatch<T> meshes, int64_t wanted, const double* sums,
                            T* points, T* normals, int64_t* face_index,
                            T* barycentric) {
  SVR3D_GRID_LOOP(i, meshes.batch * wanted) {
    const int64_t b = i / wanted, last = meshes.lengths[b] - 1;
    const double* mesh = sums + meshes.num_faces * b;
    const double total = last >= 0 ? mesh[last] : 0;
    Vec3<double> p{0, 0, 0}, unit{0, 0, 0}, w{0, 0, 0};
    int64_t face = -1;
    if (total > 0 && isfinite(total)) {
      const SurfaceDraw draw = surface_draw(stream_of(meshes.seeds[b]), i % wanted);
      face = first_above(mesh, 0, last, draw.area * total);
      const T* vertices = meshes.vertices + 3 * meshes.num_vertices * b;
      const int64_t* corners = meshes.faces + meshes.face_stride * b + 3 * face;
      w = corner_weights(draw.root, draw.share);
      p = corner(vertices, corners[0]) * w.x + corner(vertices, corners[1]) * w.y +
          corner(vertices, corners[2]) * w.z;
      const Vec3<double> n = area_normal(vertices, corners);
      unit = n * (1 / sqrt(dot(n, n)));
    }
    face_index[i] = face;
    points[3 * i] = static_cast<T>(p.x);
    points[3 * i + 1] = static_cast<T>(p.y);
    points[3 * i + 2] = static_cast<T>(p.z);
    normals[3 * i] = static_cast<T>(unit.x);
    normals[3 * i + 1] = static_cast<T>(unit.y);
    normals[3 * i + 2] = static_cast<T>(unit.z);
    barycentric[3 * i] = static_cast<T>(w.x);
    barycentric[3 * i + 1] = static_cast<T>(w.y);
    barycentric[3 * i + 2] = static_cast<T>(w.z);
  }
}

template <typename T>
__global__ void backward_kernel(MeshBatch<T> meshes, int64_t count,
                                const T* point_gradient, const T* normal_gradient,
                                const int64_t* face_index, const T* barycentric,
                                T* gradient) {
  SVR3D_GRID_LOOP(i, meshes.batch * count) {
    const int64_t b = i / count;
    if (face_index[i] < 0) continue;
    const int64_t first = 3 * meshes.num_vertices * b;
    const int64_t* face = meshes.faces + meshes.face_stride * b + 3 * face_index[i];
    Vec3<double> corners[3];
    corner_gradients(meshes.vertices + first, face, corner(barycentric, i),
                     corner(point_gradient, i), corner(normal_gradient, i), corners);
    for (int k = 0; k < 3; ++k) {
      T* sum = gradient + first + 3 * face[k];
      atomicAdd(sum, static_cast<T>(corners[k].x));
      atomicAdd(sum + 1, static_cast<T>(corners[k].y));
      atomicAdd(sum + 2, static_cast<T>(corners[k].z));
    }
  }
}

}  // namespace

template <typename T>
void launch_sample_surface(const MeshBatch<T>& meshes, int64_t wanted, double* sums,
                           T* points, T* normals, int64_t* face_index, T* barycentric,
                           cudaStream_t stream) {
  if (meshes.batch == 0 || wanted == 0) return;
  const int64_t faces = meshes.num_faces;
  const int64_t blocks = (faces + kAreaBlock - 1) / kAreaBlock;
  if (faces > 0) {
    static_assert(kThreads == kAreaBlock, "a block of threads joins a block of faces");
    areas_kernel<<<blocks_for(meshes.batch * faces), kThreads, 0, stream>>>(meshes,
                                                                            sums);
    block_sums_kernel<<<blocks_for(meshes.batch * blocks), kThreads, 0, stream>>>(
        meshes.lengths, meshes.batch, faces, blocks, sums);
    const int grid = static_cast<int>(meshes.batch < 65535 ? meshes.batch : 65535);
    join_sums_kernel<<<grid, kThreads, 0, stream>>>(meshes.lengths, meshes.batch, faces,
                                                    sums);
  }
  draw_kernel<<<blocks_for(meshes.batch * wanted), kThreads, 0, stream>>>(
      meshes, wanted, sums, points, normals, face_index, barycentric);
}

template <typename T>
void launch_sample_surface_backward(const MeshBatch<T>& meshes, int64_t count,
                                    const T* point_gradient, const T* normal_gradient,
                                    const int64_t* face_index, const T* barycentric,
                                    T* gradient, cudaStream_t stream) {
  if (meshes.batch == 0 || count == 0) return;
  backward_kernel<<<blocks_for(meshes.batch * count), kThreads, 0, stream>>>(
      meshes, count, point_gradient, normal_gradient, face_index, barycentric,
      gradient);
}

#define SVR3D_INSTANTIATE(T)                                                          \
  template void launch_sample_surface(const MeshBatch<T>&, int64_t, double*, T*, T*,  \
                                      int64_t*, T*, cudaStream_t);                    \
  template void launch_sample_surface_backward(const MeshBatch<T>&, int64_t,          \
                                               const T*, const T*, const int64_t*,    \
                                               const T*, T*, cudaStream_t);
SVR3D_INSTANTIATE(float)
SVR3D_INSTANTIATE(double)

}  // namespace svr3d
