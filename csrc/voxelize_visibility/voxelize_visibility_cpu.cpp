// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "../common/packed_meshes.h"
#include "voxelize_visibility.h"

namespace svr3d {
namespace {

class Grid {
 public:
  Grid(uint8_t* cells, int64_t resolution) : cells_(cells), size_(resolution) {
    std::fill(cells, cells + size_ * size_ * size_, uint8_t{0});
  }

  void mark(int64_t x, int64_t y, int64_t z) {
    if (x >= 0 && y >= 0 && z >= 0 && x < size_ && y < size_ && z < size_)
      cells_[(x * size_ + y) * size_ + z] = 1;
  }

  // A lattice point that a triangle covers marks the four cells that share it.
  void scan(const float* a, const float* b, const float* c, int axis) {
    ScanTriangle t;
    if (!setup_scan(a, b, c, axis, static_cast<int>(size_), t)) return;
    int order[3];
    scan_axes(axis, order);
    for (int i = t.low[0]; i < t.high[0]; ++i) {
      for (int j = t.low[1]; j < t.high[1]; ++j) {
        float depth;
        if (!scan_depth(t, i, j, &depth)) continue;
        if (!(depth >= 0 && depth < static_cast<float>(size_))) continue;
        for (int corner = 0; corner < 4; ++corner) {
          int64_t cell[3];
          cell[order[0]] = i - (corner >> 1);
          cell[order[1]] = j - (corner & 1);
          cell[order[2]] = static_cast<int64_t>(depth);
          mark(cell[0], cell[1], cell[2]);
        }
      }
    }
  }

  void mark_corner(const float* p) {
    const float limit = static_cast<float>(size_);
    for (int k = 0; k < 3; ++k)
      if (!(p[k] > -1 && p[k] < limit)) return;
    mark(static_cast<int64_t>(p[0]), static_cast<int64_t>(p[1]),
         static_cast<int64_t>(p[2]));
  }

  // Empty border cells and the empty inner cells that they reach stay empty; all else
  // is filled. A border cell is never reached from inside, which changes nothing, as
  // each empty one is a start of its own.
  void fill() {
    constexpr uint8_t kOutside = 2;
    std::vector<int64_t> stack;
    const int64_t n = size_;
    const int64_t step[3] = {n * n, n, 1};
    auto visit = [&](int64_t cell) {
      if (cells_[cell] != 0) return;
      cells_[cell] = kOutside;
      stack.push_back(cell);
    };
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        for (int k = 0; k < 3; ++k) {
          const int64_t face = i * step[(k + 1) % 3] + j * step[(k + 2) % 3];
          visit(face);
          visit(face + (n - 1) * step[k]);
        }
      }
    }
    while (!stack.empty()) {
      const int64_t cell = stack.back();
      stack.pop_back();
      const int64_t at[3] = {cell / (n * n), cell / n % n, cell % n};
      for (int k = 0; k < 3; ++k) {
        if (at[k] > 0) visit(cell - step[k]);
        if (at[k] < n - 1) visit(cell + step[k]);
      }
    }
    for (int64_t i = 0; i < n * n * n; ++i) cells_[i] = cells_[i] != kOutside;
  }

 private:
  uint8_t* cells_;
  int64_t size_;
};

// Bits of `steps`: 0 to 2 for the scans, 3 for the corners, 4 for the filling.
Tensor voxelize_visibility(Tensor vertices, Tensor faces, Tensor first_face,
                           int64_t resolution, int64_t steps) {
  check_tensor(vertices, "vertices", ScalarType::Float, {-1, 3});
  const PackedMeshes meshes(vertices, faces, first_face);
  STD_TORCH_CHECK(resolution >= 1 && resolution <= 1024,
                  "resolution must be 1 to 1024, found ", resolution);
  vertices = torch::stable::contiguous(vertices);
  const float* vertex = vertices.const_data_ptr<float>();
  Tensor out =
      new_tensor(vertices, {meshes.count(), resolution, resolution, resolution},
                 ScalarType::Byte);
  uint8_t* data = out.mutable_data_ptr<uint8_t>();
  const int64_t cells = resolution * resolution * resolution;
  torch::stable::parallel_for(0, meshes.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      Grid grid(data + cells * b, resolution);
      for (int64_t f = meshes.begin(b); f < meshes.end(b); ++f) {
        const float* corner[3];
        for (int c = 0; c < 3; ++c) corner[c] = vertex + 3 * meshes.vertex(f, c);
        for (int axis = 0; axis < 3; ++axis)
          if (steps >> axis & 1) grid.scan(corner[0], corner[1], corner[2], axis);
        for (int c = 0; c < 3; ++c)
          if (steps >> 3 & 1) grid.mark_corner(corner[c]);
      }
      if (steps >> 4 & 1) grid.fill();
    }
  });
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "voxelize_visibility(Tensor vertices, Tensor faces, Tensor first_face, "
      "SymInt resolution, SymInt steps) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("voxelize_visibility", TORCH_BOX(&svr3d::voxelize_visibility));
}
