// SPDX-License-Identifier: Apache-2.0
// The cells whose centres are inside by the rule of points_inside.
//
// The winding number of a closed part is whole and changes only where a column crosses
// the part, so that the crossings of each column tell it everywhere, at a cost that
// grows with the surface and not with the volume. Only open parts need solid angles.
#include <algorithm>
#include <cstring>
#include <memory>

#include "../common/counting_sort.h"
#include "../common/packed_meshes.h"
#include "../points_inside/solid.h"
#include "../voxelize_parity/voxelize_parity.h"

namespace svr3d {
namespace {

struct Crossing {
  int32_t column;  // within the part's box
  int16_t cell;    // the first above the crossing
  int16_t step;    // +1 into the part, -1 out of it
};

// Marks the cells that a closed part winds around at least once. Where it winds around
// less than zero times, `negative` takes the number up, unless it is empty.
void fill_closed(const Part& part, int resolution, uint8_t* grid,
                 std::vector<float>& negative) {
  const SweepCorner low = grid_corner(part.low, resolution);
  const SweepCorner high = grid_corner(part.high, resolution);
  const int width = high.below_u - low.below_u;
  const int64_t columns = int64_t(high.below_v - low.below_v) * width;
  if (columns == 0) return;
  const int64_t chunks = num_chunks(part.num_faces, 1024);
  std::vector<std::vector<Crossing>> found(chunks);
  for_chunks(part.num_faces, chunks, [&](int64_t chunk, int64_t begin, int64_t end) {
    std::vector<Crossing>& own = found[chunk];
    for (int64_t t = begin; t < end; ++t) {
      const double* p = part.corners.get() + 9 * t;
      sweep_triangle(grid_corner(p, resolution), grid_corner(p + 3, resolution),
                     grid_corner(p + 6, resolution), resolution,
                     [&](int i, int j, int k, int sign) {
                       if (k == resolution) return;
                       const int32_t column =
                           (j - low.below_v) * width + i - low.below_u;
                       own.push_back({column, static_cast<int16_t>(k),
                                      static_cast<int16_t>(sign)});
                     });
    }
  });
  std::vector<int64_t> offset(chunks + 1, 0);
  for (int64_t c = 0; c < chunks; ++c)
    offset[c + 1] = offset[c] + static_cast<int64_t>(found[c].size());
  const std::unique_ptr<Crossing[]> all(new Crossing[offset[chunks]]);
  const std::unique_ptr<Crossing[]> sorted(new Crossing[offset[chunks]]);
  for_chunks(chunks, chunks, [&](int64_t c, int64_t, int64_t) {
    std::copy(found[c].begin(), found[c].end(), all.get() + offset[c]);
  });
  CountingSort by_column(offset[chunks], columns,
                         each_key([&](int64_t i) { return all[i].column; }));
  by_column.place([&](int64_t i, int32_t to) { sorted[to] = all[i]; });
  const std::vector<int32_t>& start = by_column.start();
  for_chunks(columns, num_chunks(columns, 256), [&](int64_t, int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c) {
      Crossing *begin = sorted.get() + start[c], *end = sorted.get() + start[c + 1];
      std::sort(begin, end,
                [](const Crossing& a, const Crossing& b) { return a.cell < b.cell; });
      const int64_t j = low.below_v + c / width, i = low.below_u + c % width;
      const int64_t bottom = (j * resolution + i) * resolution;
      int winding = 0;
      for (const Crossing* crossing = begin; crossing < end; ++crossing) {
        winding += crossing->step;
        const int64_t from = crossing->cell;
        const int64_t to = crossing + 1 < end ? (crossing + 1)->cell : resolution;
        if (winding > 0) std::memset(grid + bottom + from, 1, to - from);
        if (winding < 0 && !negative.empty())
          for (int64_t k = from; k < to; ++k) negative[bottom + k] += winding;
      }
    }
  });
}

// Decides about all cells that are still empty, in packets of 2 x 2 x 4 cells.
void fill_open(const Solid& solid, int resolution, const std::vector<float>& others,
               uint8_t* grid) {
  const int64_t blocks = (resolution + 1) / 2, layers = (resolution + 3) / 4;
  torch::stable::parallel_for(0, blocks * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      for (int64_t layer = 0; layer < layers; ++layer) {
        double points[kLanes][3];
        bool inside[kLanes];
        float total[kLanes];
        int64_t cells[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          const int64_t at[3] = {2 * (block / blocks) + (lane >> 3),
                                 2 * (block % blocks) + (lane >> 2 & 1),
                                 4 * layer + (lane & 3)};
          int64_t cell = 0;
          for (int k = 0; k < 3; ++k) {
            // Packets at the border repeat their last cells.
            const int64_t index = std::min<int64_t>(at[k], resolution - 1);
            points[lane][k] = (index + 0.5) / resolution - 0.5;
            cell = cell * resolution + index;
          }
          cells[lane] = cell;
          inside[lane] = grid[cell] != 0;
          total[lane] = others[cell];
        }
        decide_inside(solid, points, total, inside);
        for (int lane = 0; lane < kLanes; ++lane) grid[cells[lane]] = inside[lane];
      }
    }
  });
}

// Fills the grid of one mesh, whose faces index vertices from `first` to `last`.
void fill_grid(const double* vertices, int64_t first, int64_t last, const int64_t* faces,
               int64_t num_faces, int resolution, uint8_t* grid) {
  std::vector<int64_t> own;
  if (first > 0) {
    own.resize(3 * num_faces);
    for (int64_t i = 0; i < 3 * num_faces; ++i) own[i] = faces[i] - first;
    faces = own.data();
  }
  const Solid solid = build_solid(
      split_parts(vertices + 3 * first, last + 1 - first, faces, num_faces), false);
  const int64_t cells = int64_t(resolution) * resolution * resolution;
  std::memset(grid, 0, cells);
  std::vector<float> negative(solid.num_open > 0 ? cells : 0, 0.0f);
  for (const Part& part : solid.parts)
    if (part.closed) fill_closed(part, resolution, grid, negative);
  if (solid.num_open > 0) fill_open(solid, resolution, negative, grid);
}

Tensor voxelize_inside(Tensor vertices, Tensor faces, Tensor first_face,
                       int64_t resolution) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  STD_TORCH_CHECK(resolution >= 1 && resolution <= 1024,
                  "resolution must be 1 to 1024, found ", resolution);
  STD_TORCH_CHECK(vertices.size(0) < INT32_MAX && faces.size(0) < INT32_MAX / 4,
                  "vertices and faces must fit 32-bit indices");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  const PackedMeshes meshes(vertices, faces, first_face);
  const int64_t batch = meshes.count();
  Tensor out = new_tensor(vertices, {batch, resolution, resolution, resolution},
                          ScalarType::Byte);
  uint8_t* grids = out.mutable_data_ptr<uint8_t>();
  const auto fill = [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t* face = faces.const_data_ptr<int64_t>() + 3 * meshes.begin(b);
      const int64_t count = meshes.end(b) - meshes.begin(b);
      int64_t first = 0, last = -1;
      if (batch == 1) {
        last = vertices.size(0) - 1;
      } else if (count > 0) {
        const auto range = std::minmax_element(face, face + 3 * count);
        first = *range.first;
        last = *range.second;
      }
      fill_grid(vertices.const_data_ptr<double>(), first, last, face, count,
                static_cast<int>(resolution),
                grids + b * resolution * resolution * resolution);
    }
  };
  // Threads share the meshes of a batch, or else the work on the only mesh, which a
  // loop of one turn would keep to one thread.
  if (batch == 1)
    fill(0, 1);
  else
    torch::stable::parallel_for(0, batch, 1, fill);
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "voxelize_inside(Tensor vertices, Tensor faces, Tensor first_face, "
      "SymInt resolution) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("voxelize_inside", TORCH_BOX(&svr3d::voxelize_inside));
}
