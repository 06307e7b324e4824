// SPDX-License-Identifier: Apache-2.0
// Forward one thread per pixel; backward one per face, per texture cube and per vertex.
// Every sum has one owner and a fixed order, so that results repeat bit for bit.
#include "../common/cuda_launch.h"
#include "neural_rasterize_launch.h"

namespace svr3d {
namespace {

template <typename T>
struct PreparedFace {
  NeuralFace<T> face;
  int64_t columns[2], rows[2];  // pixels [begin, end) that it may cover
  bool seen;
};

template <typename T>
__device__ void pixels_between(T a, T b, T c, int64_t size, int64_t out[2]) {
  const T low = min(a, min(b, c)), high = max(a, max(b, c));
  out[0] = low > 1 ? (low < T(size) ? static_cast<int64_t>(low) - 1 : size) : 0;
  out[1] = high < T(size - 2) ? (high > -2 ? static_cast<int64_t>(high) + 2 : 0) : size;
}

template <typename T>
__global__ void prepare_kernel(NeuralScene<T> scene, int64_t batch,
                               PreparedFace<T>* faces) {
  const int64_t drawn = scene.drawn_faces();
  SVR3D_GRID_LOOP(i, batch * drawn) {
    PreparedFace<T>& out = faces[i];
    out.seen = setup_neural_face(scene, i / drawn, i % drawn, out.face);
    if (!out.seen) continue;
    const NeuralFace<T>& f = out.face;
    pixels_between(f.px[0], f.px[1], f.px[2], scene.size, out.columns);
    pixels_between(f.py[0], f.py[1], f.py[2], scene.size, out.rows);
  }
}

template <typename T>
__device__ void shade(const NeuralScene<T>& scene, const PreparedFace<T>* own,
                      int64_t image, int64_t face, int64_t row, int64_t column, T depth,
                      T color[3]) {
  for (int k = 0; k < 3; ++k) color[k] = face < 0 ? scene.background[k] : T(0);
  if (face < 0) return;
  T w[3];
  depth_at(own[face].face, row, column, w);
  TextureSample<T> sample;
  sample_texture(scene, own[face].face, image, face, w, depth, sample);
  for (int n = 0; n < 8; ++n)
    for (int k = 0; k < 3; ++k)
      color[k] += sample.weight[n] * scene.textures[sample.cell[n] + k];
}

template <typename T>
__global__ void render_kernel(NeuralScene<T> scene, int64_t batch,
                              const PreparedFace<T>* faces, T* images, T* depth,
                              int32_t* index) {
  const int64_t size = scene.size, area = size * size, drawn = scene.drawn_faces();
  SVR3D_GRID_LOOP(i, batch * area) {
    const int64_t image = i / area, row = i % area / size, column = i % size;
    const T x = sample_point<T>(column, size), y = sample_point<T>(row, size);
    const PreparedFace<T>* own = faces + image * drawn;
    T nearest = scene.far;
    int64_t found = -1;
    for (int64_t k = 0; k < drawn; ++k) {
      const PreparedFace<T>& p = own[k];
      if (!p.seen || column < p.columns[0] || column >= p.columns[1] ||
          row < p.rows[0] || row >= p.rows[1] || !covers(p.face, x, y))
        continue;
      T w[3];
      const T z = depth_at(p.face, row, column, w);
      if (!(z > scene.near && z < nearest)) continue;
      nearest = z;
      found = k;
    }
    depth[i] = nearest;
    index[i] = static_cast<int32_t>(found);
    T* pixel = images + image * scene.channels() * area + i % area;
    pixel[0] = found >= 0 ? T(1) : T(0);
    if (!scene.textures) continue;
    T color[3];
    shade(scene, own, image, found, row, column, nearest, color);
    for (int k = 0; k < 3; ++k) pixel[(k + 1) * area] = color[k];
  }
}

// What pixel `at` would gain from the colours of pixel `from`.
template <typename T>
__device__ T gain_of(const T* images, const T* grads, int64_t channels, int64_t area,
                     int64_t from, int64_t at) {
  T gain = 0;
  for (int64_t k = 0; k < channels; ++k)
    gain += (images[k * area + at] - images[k * area + from]) * grads[k * area + at];
  return gain > 0 ? gain : T(0);
}

template <typename T>
__device__ void pull_edge(const NeuralScene<T>& scene, const NeuralFace<T>& f,
                          int64_t face, int n, bool rows, const int32_t* index,
                          const T* images, const T* grads, T* out) {
  const int64_t size = scene.size, area = size * size, channels = scene.channels();
  const int m = (n + 1) % 3, o = (n + 2) % 3;
  const T* across = rows ? f.py : f.px;
  const T* along = rows ? f.px : f.py;
  const int64_t line_step = rows ? size : 1, step = rows ? 1 : size;
  const LineRange range = edge_lines(across[n], across[m], size);
  T total[2] = {0, 0};
  for (int64_t line = range.begin; line < range.end; ++line) {
    EdgeCrossing<T> e;
    if (!cross_line(across[n], along[n], across[m], along[m], across[o], along[o], rows,
                    line, size, e))
      continue;
    const int64_t base = line * line_step;
    const bool shown = index[base + e.inner * step] == face;
    for (int sweep = shown ? 0 : 1; sweep < (e.bounded ? 2 : 1); ++sweep) {
      const bool inward = sweep == 1;
      const int64_t from = base + (inward ? e.outer : e.inner) * step;
      const int64_t low = inward ? e.low : (e.step > 0 ? e.outer : 0);
      const int64_t high = inward ? e.high : (e.step > 0 ? size - 1 : e.outer);
      for (int64_t d = low; d <= high; ++d) {
        const int64_t at = base + d * step;
        if (inward && index[at] != face) continue;
        const T gain = gain_of(images, grads, channels, area, from, at);
        if (!(gain > 0)) continue;
        for (int k = 0; k < 2; ++k)
          if (e.scale[k] != 0)
            total[k] += pulled(gain, T(d), e.at, e.scale[k], scene.eps);
      }
    }
  }
  out[3 * n + (rows ? 0 : 1)] -= total[0];
  out[3 * m + (rows ? 0 : 1)] -= total[1];
}

template <typename T>
__global__ void pull_kernel(NeuralScene<T> scene, int64_t batch,
                            const PreparedFace<T>* faces, NeuralPulls<T> pulls) {
  const int64_t size = scene.size, area = size * size, drawn = scene.drawn_faces();
  SVR3D_GRID_LOOP(i, batch * drawn) {
    const int64_t image = i / drawn, face = i % drawn;
    T out[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    const PreparedFace<T>& p = faces[i];
    const int32_t* index = pulls.index + image * area;
    if (p.seen && pulls.grad_images) {
      const int64_t offset = image * scene.channels() * area;
      for (int n = 0; n < 3; ++n)
        for (int rows = 0; rows < 2; ++rows)
          pull_edge(scene, p.face, face, n, rows == 1, index, pulls.images + offset,
                    pulls.grad_images + offset, out);
    }
    if (p.seen && pulls.grad_depth) {
      for (int64_t row = p.rows[0]; row < p.rows[1]; ++row)
        for (int64_t column = p.columns[0]; column < p.columns[1]; ++column) {
          const int64_t at = row * size + column;
          if (index[at] != face) continue;
          T w[3];
          depth_at(p.face, row, column, w);
          add_depth_gradient(p.face, size, w, pulls.depth[image * area + at],
                             pulls.grad_depth[image * area + at], out);
        }
    }
    for (int k = 0; k < 9; ++k) pulls.corners[9 * i + k] = out[k];
  }
}

// Each texture cube belongs to one thread, with the face and its reversed copy.
template <typename T>
__global__ void texture_kernel(NeuralScene<T> scene, int64_t batch,
                               const PreparedFace<T>* faces, NeuralPulls<T> pulls) {
  const int64_t size = scene.size, area = size * size, drawn = scene.drawn_faces();
  const int64_t side = scene.texture_side, cells = 3 * side * side * side;
  SVR3D_GRID_LOOP(i, batch * scene.num_faces) {
    const int64_t image = i / scene.num_faces;
    for (int64_t k = 0; k < cells; ++k) pulls.textures[i * cells + k] = 0;
    if (!pulls.grad_images) continue;
    const T* grads = pulls.grad_images + image * 4 * area;
    for (int64_t face = i % scene.num_faces; face < drawn; face += scene.num_faces) {
      const PreparedFace<T>& p = faces[image * drawn + face];
      if (!p.seen) continue;
      for (int64_t row = p.rows[0]; row < p.rows[1]; ++row)
        for (int64_t column = p.columns[0]; column < p.columns[1]; ++column) {
          const int64_t at = row * size + column;
          if (pulls.index[image * area + at] != face) continue;
          T w[3];
          depth_at(p.face, row, column, w);
          TextureSample<T> sample;
          sample_texture(scene, p.face, image, face, w, pulls.depth[image * area + at],
                         sample);
          for (int n = 0; n < 8; ++n)
            for (int k = 0; k < 3; ++k)
              pulls.textures[sample.cell[n] + k] +=
                  sample.weight[n] * grads[(k + 1) * area + at];
        }
    }
  }
}

// Each vertex looks for itself among all corners of its mesh.
template <typename T>
__global__ void gather_kernel(NeuralScene<T> scene, int64_t batch, const T* corners,
                              T* out) {
  const int64_t drawn = scene.drawn_faces();
  SVR3D_GRID_LOOP(i, batch * scene.num_vertices) {
    const int64_t image = i / scene.num_vertices, vertex = i % scene.num_vertices;
    const int64_t* corner = scene.faces + image * scene.face_stride;
    T sum[3] = {0, 0, 0};
    for (int64_t face = 0; face < drawn; ++face)
      for (int n = 0; n < 3; ++n)
        if (corner[corner_slot(scene, face, n)] == vertex)
          for (int k = 0; k < 3; ++k)
            sum[k] += corners[9 * (image * drawn + face) + 3 * n + k];
    for (int k = 0; k < 3; ++k) out[3 * i + k] = sum[k];
  }
}

template <typename T>
PreparedFace<T>* prepare(const NeuralScene<T>& scene, int64_t batch, void* scratch,
                         cudaStream_t stream) {
  PreparedFace<T>* faces = static_cast<PreparedFace<T>*>(scratch);
  const int64_t count = batch * scene.drawn_faces();
  if (count)
    prepare_kernel<<<blocks_for(count), kThreads, 0, stream>>>(scene, batch, faces);
  return faces;
}

}  // namespace

template <typename T>
int64_t neural_scratch_bytes(const NeuralScene<T>& scene, int64_t batch) {
  return batch * scene.drawn_faces() * sizeof(PreparedFace<T>);
}

template <typename T>
void launch_neural_rasterize(const NeuralScene<T>& scene, int64_t batch, void* scratch,
                             T* images, T* depth, int32_t* index, cudaStream_t stream) {
  const int64_t count = batch * scene.size * scene.size;
  if (count == 0) return;
  const PreparedFace<T>* faces = prepare(scene, batch, scratch, stream);
  render_kernel<<<blocks_for(count), kThreads, 0, stream>>>(scene, batch, faces, images,
                                                            depth, index);
}

template <typename T>
void launch_neural_rasterize_backward(const NeuralScene<T>& scene, int64_t batch,
                                      void* scratch, const NeuralPulls<T>& pulls,
                                      cudaStream_t stream) {
  const PreparedFace<T>* faces = prepare(scene, batch, scratch, stream);
  const int64_t drawn = batch * scene.drawn_faces(), cubes = batch * scene.num_faces;
  const int64_t vertices = batch * scene.num_vertices;
  if (drawn)
    pull_kernel<<<blocks_for(drawn), kThreads, 0, stream>>>(scene, batch, faces, pulls);
  if (cubes && scene.textures)
    texture_kernel<<<blocks_for(cubes), kThreads, 0, stream>>>(scene, batch, faces,
                                                               pulls);
  if (vertices)
    gather_kernel<<<blocks_for(vertices), kThreads, 0, stream>>>(
        scene, batch, pulls.corners, pulls.vertices);
}

#define SVR3D_INSTANTIATE(T)                                                           \
  template int64_t neural_scratch_bytes(const NeuralScene<T>&, int64_t);               \
  template void launch_neural_rasterize(const NeuralScene<T>&, int64_t, void*, T*, T*, \
                                        int32_t*, cudaStream_t);                       \
  template void launch_neural_rasterize_backward(const NeuralScene<T>&, int64_t,       \
                                                 void*, const NeuralPulls<T>&,         \
                                                 cudaStream_t);
SVR3D_INSTANTIATE(float)
SVR3D_INSTANTIATE(double)

}  // namespace svr3d
