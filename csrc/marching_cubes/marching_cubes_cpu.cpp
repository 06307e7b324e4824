// SPDX-License-Identifier: Apache-2.0
// Two passes over bits: count, so that every plane knows where its output begins, then
// write. A vertex is numbered by counting bits, so no index volume is needed.
#include "marching_cubes.h"

#include <memory>
#include <tuple>

#include "../common/tensor.h"
#include "sign_bits.h"

namespace svr3d {
namespace {

constexpr int kCaseSize = 16;

// Numbers of the first vertices on a row's x, y and z edges, within their plane.
struct RowStart {
  int64_t axis[3];
};

struct Grid {
  int64_t batch, nx, ny, nz, words;
  const int8_t* table;          // (256, kCaseSize) edges, -1 at the end
  const int8_t* num_triangles;  // of each case
  uint64_t* low;                // (batch, nx, ny, words)
  RowStart* starts;             // (batch, nx, ny)
  int64_t *vertices, *faces;    // (batch, nx): counts, then starts in the object

  const uint64_t* row(int64_t plane, int64_t y) const {
    return low + (plane * ny + y) * words;
  }
};

// Edges of the level along x, y and z that begin in one word of a row.
struct Crossings {
  uint64_t axis[3];
};

SVR3D_HD Crossings crossings_at(const uint64_t* row, const uint64_t* row_x,
                                const uint64_t* row_y, int64_t word, int64_t words,
                                int64_t nz) {
  const uint64_t here = row[word];
  Crossings found;
  found.axis[0] = row_x ? here ^ row_x[word] : 0;
  found.axis[1] = row_y ? here ^ row_y[word] : 0;
  found.axis[2] = (here ^ shifted(row, word, words)) & low_bits(nz - 1 - 64 * word);
  return found;
}

template <typename T>
void pack_planes(const Grid& grid, const T* values, T level, int64_t begin,
                 int64_t end) {
  for (int64_t row = begin * grid.ny; row < end * grid.ny; ++row)
    pack_low(values + row * grid.nz, grid.nz, level, grid.low + row * grid.words);
}

SVR3D_CLONES void count_plane(const Grid& grid, int64_t plane) {
  const int64_t words = grid.words;
  const bool has_next = plane % grid.nx + 1 < grid.nx;
  int64_t vertices = 0, faces = 0;
  for (int64_t y = 0; y < grid.ny; ++y) {
    const uint64_t* a = grid.row(plane, y);
    const uint64_t* b = has_next ? grid.row(plane + 1, y) : nullptr;
    const uint64_t* d = y + 1 < grid.ny ? a + words : nullptr;
    int64_t counts[3] = {0, 0, 0};
    for (int64_t w = 0; w < words; ++w) {
      const Crossings found = crossings_at(a, b, d, w, words, grid.nz);
      for (int k = 0; k < 3; ++k) counts[k] += bits_in(found.axis[k]);
    }
    RowStart& start = grid.starts[plane * grid.ny + y];
    for (int k = 0; k < 3; ++k) {
      start.axis[k] = vertices;
      vertices += counts[k];
    }
    if (!b || !d) continue;
    const uint64_t* rows[4] = {a, b, b + words, d};
    for (int64_t w = 0; w < words; ++w) {
      CellWord cells;
      cells.load(rows, w, words, low_bits(grid.nz - 1 - 64 * w));
      for (uint64_t left = cells.active; left; left &= left - 1)
        faces += grid.num_triangles[cells.case_at(lowest_bit(left))];
    }
  }
  grid.vertices[plane] = vertices;
  grid.faces[plane] = faces;
}

template <typename T>
SVR3D_CLONES void write_vertices(const Grid& grid, const T* values, T level,
                                 int64_t plane, T* out) {
  const int64_t words = grid.words, nz = grid.nz, x = plane % grid.nx;
  const bool has_next = x + 1 < grid.nx;
  const int64_t steps[3] = {grid.ny * nz, nz, 1};
  for (int64_t y = 0; y < grid.ny; ++y) {
    const uint64_t* a = grid.row(plane, y);
    const uint64_t* b = has_next ? grid.row(plane + 1, y) : nullptr;
    const uint64_t* d = y + 1 < grid.ny ? a + words : nullptr;
    const T* row = values + (plane * grid.ny + y) * nz;
    RowStart at = grid.starts[plane * grid.ny + y];
    for (int64_t w = 0; w < words; ++w) {
      const Crossings found = crossings_at(a, b, d, w, words, nz);
      for (int axis = 0; axis < 3; ++axis)
        for (uint64_t left = found.axis[axis]; left; left &= left - 1) {
          const int64_t z = 64 * w + lowest_bit(left);
          T* vertex = out + 3 * at.axis[axis]++;
          vertex[0] = static_cast<T>(x);
          vertex[1] = static_cast<T>(y);
          vertex[2] = static_cast<T>(z);
          vertex[axis] += crossing(row[z], row[z + steps[axis]], level);
        }
    }
  }
}

SVR3D_HD int64_t number_of(uint64_t crossings, int z, int64_t before) {
  return before + bits_in(crossings & low_bits(z));
}

SVR3D_CLONES void write_faces(const Grid& grid, int64_t plane, int64_t* out) {
  const int64_t words = grid.words;
  for (int64_t y = 0; y + 1 < grid.ny; ++y) {
    const uint64_t* rows[4] = {grid.row(plane, y), grid.row(plane + 1, y),
                               grid.row(plane + 1, y + 1), grid.row(plane, y + 1)};
    const RowStart* here = grid.starts + plane * grid.ny + y;
    const RowStart* there = here + grid.ny;
    const int64_t base = grid.vertices[plane], base_next = grid.vertices[plane + 1];
    // Numbers of the next vertices on the x edges of rows 0 and 3, the y edges of rows
    // 0 and 1, and the z edges of all four.
    int64_t next[8] = {base + here[0].axis[0],       base + here[1].axis[0],
                       base + here[0].axis[1],       base_next + there[0].axis[1],
                       base + here[0].axis[2],       base_next + there[0].axis[2],
                       base_next + there[1].axis[2], base + here[1].axis[2]};
    for (int64_t w = 0; w < words; ++w) {
      const uint64_t valid = low_bits(grid.nz - 1 - 64 * w);
      CellWord cells;
      cells.load(rows, w, words, valid);
      if (!cells.active) continue;  // then no edge of these cells crosses the level
      const uint64_t* low = cells.low;
      uint64_t mask[8] = {low[0] ^ low[1], low[3] ^ low[2], low[0] ^ low[3],
                          low[1] ^ low[2]};
      for (int k = 0; k < 4; ++k) mask[4 + k] = (low[k] ^ cells.next[k]) & valid;
      for (uint64_t left = cells.active; left; left &= left - 1) {
        const int z = lowest_bit(left);
        int64_t number[8];
        for (int k = 0; k < 8; ++k) number[k] = number_of(mask[k], z, next[k]);
        int64_t above[4];
        for (int k = 0; k < 4; ++k)
          above[k] = number[k] + static_cast<int64_t>(mask[k] >> z & 1);
        const int64_t edges[12] = {number[0], number[3], number[1], number[2],
                                   above[0],  above[3],  above[1],  above[2],
                                   number[4], number[5], number[6], number[7]};
        const int8_t* edge = grid.table + kCaseSize * cells.case_at(z);
        for (; *edge >= 0; ++edge) *out++ = edges[*edge];
      }
      for (int k = 0; k < 8; ++k) next[k] += bits_in(mask[k]);
    }
  }
}

// Turns the planes' counts into starts within each object, and notes the totals.
void prefix(const Grid& grid, int64_t* counts, int64_t* totals) {
  for (int64_t b = 0; b < grid.batch; ++b) {
    int64_t sum = 0;
    for (int64_t x = 0; x < grid.nx; ++x) {
      const int64_t count = counts[b * grid.nx + x];
      counts[b * grid.nx + x] = sum;
      sum += count;
    }
    totals[b] = sum;
  }
}

using Outputs = std::tuple<Tensor, Tensor, Tensor, Tensor>;

template <typename T>
Outputs run(const Tensor& volumes, T level, Grid& grid) {
  const T* values = volumes.const_data_ptr<T>();
  const int64_t planes = grid.batch * grid.nx;
  torch::stable::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
    pack_planes(grid, values, level, begin, end);
  });
  torch::stable::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) count_plane(grid, plane);
  });
  Tensor vertex_counts = new_tensor(volumes, {grid.batch}, ScalarType::Long);
  Tensor face_counts = new_tensor(volumes, {grid.batch}, ScalarType::Long);
  int64_t* num_vertices = vertex_counts.mutable_data_ptr<int64_t>();
  int64_t* num_faces = face_counts.mutable_data_ptr<int64_t>();
  prefix(grid, grid.vertices, num_vertices);
  prefix(grid, grid.faces, num_faces);
  const std::unique_ptr<int64_t[]> first_vertex(new int64_t[grid.batch + 1]());
  const std::unique_ptr<int64_t[]> first_face(new int64_t[grid.batch + 1]());
  for (int64_t b = 0; b < grid.batch; ++b) {
    first_vertex[b + 1] = first_vertex[b] + num_vertices[b];
    first_face[b + 1] = first_face[b] + num_faces[b];
  }
  Tensor vertices =
      new_tensor(volumes, {first_vertex[grid.batch], 3}, volumes.scalar_type());
  Tensor faces = new_tensor(volumes, {first_face[grid.batch], 3}, ScalarType::Long);
  T* vertex = vertices.mutable_data_ptr<T>();
  int64_t* face = faces.mutable_data_ptr<int64_t>();
  torch::stable::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t b = plane / grid.nx;
      write_vertices(grid, values, level, plane,
                     vertex + 3 * (first_vertex[b] + grid.vertices[plane]));
      if (plane % grid.nx + 1 < grid.nx)
        write_faces(grid, plane, face + 3 * (first_face[b] + grid.faces[plane]));
    }
  });
  return {vertices, faces, vertex_counts, face_counts};
}

// The table comes from outside; a wrong one must not lead outside the arrays.
void check_table(const int8_t* table, int8_t* num_triangles) {
  for (int number = 0; number < 256; ++number) {
    const int8_t* edges = table + kCaseSize * number;
    int size = 0;
    while (size < kCaseSize && edges[size] >= 0) {
      STD_TORCH_CHECK(edges[size] < 12, "table must hold edges 0 to 11, found ",
                      static_cast<int>(edges[size]));
      ++size;
    }
    STD_TORCH_CHECK(size < kCaseSize && size % 3 == 0,
                    "table must hold whole triangles that end with -1 in row ", number);
    num_triangles[number] = static_cast<int8_t>(size / 3);
  }
}

Outputs marching_cubes(Tensor volumes, double level, Tensor table) {
  const ScalarType type = volumes.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "volumes must have dtype Float or Double, found ",
                  torch::headeronly::toString(type));
  check_tensor(volumes, "volumes", type, {-1, -1, -1, -1});
  check_tensor(table, "table", ScalarType::Char, {256, kCaseSize});
  volumes = torch::stable::contiguous(volumes);
  table = torch::stable::contiguous(table);
  int8_t num_triangles[256];
  check_table(table.const_data_ptr<int8_t>(), num_triangles);
  Grid grid{volumes.size(0), volumes.size(1), volumes.size(2), volumes.size(3)};
  grid.words = (grid.nz + 63) / 64;
  grid.table = table.const_data_ptr<int8_t>();
  grid.num_triangles = num_triangles;
  const int64_t planes = grid.batch * grid.nx, rows = planes * grid.ny;
  const std::unique_ptr<uint64_t[]> low(new uint64_t[rows * grid.words]);
  const std::unique_ptr<RowStart[]> starts(new RowStart[rows]);
  const std::unique_ptr<int64_t[]> vertices(new int64_t[planes]);
  const std::unique_ptr<int64_t[]> faces(new int64_t[planes]);
  grid.low = low.get();
  grid.starts = starts.get();
  grid.vertices = vertices.get();
  grid.faces = faces.get();
  if (type == ScalarType::Double) return run<double>(volumes, level, grid);
  return run<float>(volumes, static_cast<float>(level), grid);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "marching_cubes(Tensor volumes, float level, Tensor table) -> "
      "(Tensor vertices, Tensor faces, Tensor vertex_counts, Tensor face_counts)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("marching_cubes", TORCH_BOX(&svr3d::marching_cubes));
}
