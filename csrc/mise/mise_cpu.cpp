// SPDX-License-Identifier: Apache-2.0
// Book-keeping of multi-resolution extraction. Three bits per point of the finest grid
// tell whether it exists, and whether its value is high or low; a voxel finds both
// marks by joining the words of its closed box, without any map of points.
#include <algorithm>
#include <tuple>
#include <vector>

#include "../common/tensor.h"

namespace svr3d {
namespace {

// Planes of the bit grids, in this order.
enum { kExists = 0, kHigh = 1, kLow = 2, kPlanes = 3 };

struct BitGrid {
  uint64_t* bits;  // (kPlanes, size, size, words)
  int64_t size, words;

  uint64_t* row(int plane, int64_t x, int64_t y) const {
    return bits + ((plane * size + x) * size + y) * words;
  }
};

// A voxel's lowest corner on the finest grid, and the binary logarithm of its edge.
struct Voxel {
  int32_t x, y, z, log_size;
};

// Whether any bit of [begin, begin + count) is set; count is at most 64.
bool any_bit(const uint64_t* row, int64_t begin, int64_t count) {
  const int64_t word = begin / 64, shift = begin % 64;
  const uint64_t mask = count >= 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
  uint64_t found = row[word] >> shift;
  if (shift && shift + count > 64) found |= row[word + 1] << (64 - shift);
  return (found & mask) != 0;
}

bool any_in_box(const BitGrid& grid, int plane, const Voxel& voxel) {
  const int64_t edge = int64_t(1) << voxel.log_size;
  for (int64_t x = voxel.x; x <= voxel.x + edge; ++x)
    for (int64_t y = voxel.y; y <= voxel.y + edge; ++y)
      for (int64_t z = voxel.z; z <= voxel.z + edge; z += 64)
        if (any_bit(grid.row(plane, x, y), z,
                    std::min<int64_t>(64, voxel.z + edge - z + 1)))
          return true;
  return false;
}

// Splits a voxel: its 27 points, as far as they are new, and its eight parts.
void split(const BitGrid& grid, const Voxel& voxel, std::vector<Voxel>& parts,
           std::vector<int64_t>& points) {
  const int32_t half = 1 << (voxel.log_size - 1);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const int64_t x = voxel.x + i * half, y = voxel.y + j * half;
      uint64_t* row = grid.row(kExists, x, y);
      for (int k = 0; k < 3; ++k) {
        const int64_t z = voxel.z + k * half;
        uint64_t& word = row[z / 64];
        const uint64_t bit = uint64_t(1) << (z % 64);
        if (word & bit) continue;
        word |= bit;
        points.insert(points.end(), {x, y, z});
      }
    }
  if (voxel.log_size == 1) return;  // the parts are of the finest level
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      for (int k = 0; k < 2; ++k)
        parts.push_back({voxel.x + i * half, voxel.y + j * half, voxel.z + k * half,
                         voxel.log_size - 1});
}

BitGrid bit_grid(const Tensor& bits) {
  return {reinterpret_cast<uint64_t*>(bits.mutable_data_ptr<int64_t>()), bits.size(1),
          bits.size(3)};
}

void check_bits(const Tensor& bits) {
  check_tensor(bits, "bits", ScalarType::Long, {kPlanes, -1, -1, -1});
  const int64_t size = bits.size(1);
  STD_TORCH_CHECK(bits.size(2) == size && bits.size(3) == (size + 63) / 64,
                  "bits must have shape (3, N, N, (N + 63) / 64), found ",
                  shape_text(bits));
  STD_TORCH_CHECK(bits.is_contiguous(), "bits must be contiguous");
}

// Stores values of points, and their marks.
void mise_store(Tensor bits, Tensor dense, Tensor points, Tensor values,
                double threshold) {
  check_bits(bits);
  const int64_t size = bits.size(1), count = points.size(0);
  check_tensor(dense, "dense", ScalarType::Double, {size, size, size});
  check_tensor(points, "points", ScalarType::Long, {count, 3});
  check_tensor(values, "values", ScalarType::Double, {count});
  STD_TORCH_CHECK(dense.is_contiguous(), "dense must be contiguous");
  points = torch::stable::contiguous(points);
  values = torch::stable::contiguous(values);
  const BitGrid grid = bit_grid(bits);
  double* out = dense.mutable_data_ptr<double>();
  const int64_t* point = points.const_data_ptr<int64_t>();
  const double* value = values.const_data_ptr<double>();
  for (int64_t i = 0; i < count; ++i, point += 3) {
    for (int k = 0; k < 3; ++k)
      STD_TORCH_CHECK(point[k] >= 0 && point[k] < size, "points must lie in 0 to ",
                      size - 1, ", found ", point[k]);
    out[(point[0] * size + point[1]) * size + point[2]] = value[i];
    const uint64_t bit = uint64_t(1) << (point[2] % 64);
    const int64_t word = point[2] / 64;
    grid.row(kExists, point[0], point[1])[word] |= bit;
    if (value[i] >= threshold) grid.row(kHigh, point[0], point[1])[word] |= bit;
    if (value[i] <= threshold) grid.row(kLow, point[0], point[1])[word] |= bit;
  }
}

// Splits every voxel with both marks. Returns the voxels that may still be split, and
// the points that came to exist, both in the order of the voxels.
std::tuple<Tensor, Tensor> mise_split(Tensor bits, Tensor voxels) {
  check_bits(bits);
  check_tensor(voxels, "voxels", ScalarType::Int, {-1, 4});
  voxels = torch::stable::contiguous(voxels);
  const int64_t size = bits.size(1), count = voxels.size(0);
  const BitGrid grid = bit_grid(bits);
  const int32_t* data = voxels.const_data_ptr<int32_t>();
  std::vector<Voxel> kept, parts;
  std::vector<int64_t> points;
  kept.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const Voxel voxel{data[4 * i], data[4 * i + 1], data[4 * i + 2], data[4 * i + 3]};
    STD_TORCH_CHECK(voxel.log_size >= 1 && voxel.log_size < 30 && voxel.x >= 0 &&
                        voxel.y >= 0 && voxel.z >= 0 &&
                        std::max({voxel.x, voxel.y, voxel.z}) +
                                (int64_t(1) << voxel.log_size) <
                            size,
                    "voxels must lie in the grid, found a wrong one in row ", i);
    if (any_in_box(grid, kHigh, voxel) && any_in_box(grid, kLow, voxel))
      split(grid, voxel, parts, points);
    else
      kept.push_back(voxel);
  }
  kept.insert(kept.end(), parts.begin(), parts.end());
  Tensor next = new_tensor(voxels, {static_cast<int64_t>(kept.size()), 4},
                           ScalarType::Int);
  Tensor found = new_tensor(voxels, {static_cast<int64_t>(points.size()) / 3, 3},
                            ScalarType::Long);
  static_assert(sizeof(Voxel) == 4 * sizeof(int32_t), "a voxel is a row of four");
  if (!kept.empty())
    std::copy_n(reinterpret_cast<const int32_t*>(kept.data()), 4 * kept.size(),
                next.mutable_data_ptr<int32_t>());
  std::copy(points.begin(), points.end(), found.mutable_data_ptr<int64_t>());
  return {next, found};
}

// Fills the grid: an unknown value is that of the previous point along x, else y,
// else z.
Tensor mise_fill(Tensor bits, Tensor dense) {
  check_bits(bits);
  const int64_t size = bits.size(1), words = bits.size(3), area = size * size;
  check_tensor(dense, "dense", ScalarType::Double, {size, size, size});
  dense = torch::stable::contiguous(dense);
  const double* in = dense.const_data_ptr<double>();
  Tensor filled = new_tensor(dense, {size, size, size}, ScalarType::Double);
  double* out = filled.mutable_data_ptr<double>();
  const BitGrid grid = bit_grid(bits);
  std::copy_n(in, area * size, out);
  // Bits of what has a value, gathered while x goes on.
  std::vector<uint64_t> known(size * size * words);
  for (int64_t x = 0; x < size; ++x)
    for (int64_t y = 0; y < size; ++y) {
      const uint64_t* here = grid.row(kExists, x, y);
      uint64_t* now = &known[(x * size + y) * words];
      const uint64_t* before = x ? now - size * words : nullptr;
      double* row = out + x * area + y * size;
      for (int64_t w = 0; w < words; ++w) {
        now[w] = here[w] | (before ? before[w] : 0);
        const uint64_t missing = now[w] & ~here[w];
        for (uint64_t left = missing; left; left &= left - 1) {
          int64_t z = 64 * w;
          for (uint64_t bit = left & (~left + 1); bit >>= 1;) ++z;
          row[z] = row[z - area];
        }
      }
    }
  for (int64_t x = 0; x < size; ++x)
    for (int64_t y = 0; y < size; ++y) {
      uint64_t* now = &known[(x * size + y) * words];
      double* row = out + x * area + y * size;
      const auto has = [&](int64_t z) { return now[z / 64] >> (z % 64) & 1; };
      if (y)
        for (int64_t z = 0; z < size; ++z)
          if (!has(z) && (now[z / 64 - words] >> (z % 64) & 1)) row[z] = row[z - size];
      if (y)
        for (int64_t w = 0; w < words; ++w) now[w] |= (now - words)[w];
    }
  for (int64_t row = 0; row < area; ++row)
    for (int64_t z = 1; z < size; ++z)
      if (!(known[row * words + z / 64] >> (z % 64) & 1))
        out[row * size + z] = out[row * size + z - 1];
  return filled;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "mise_store(Tensor(a!) bits, Tensor(b!) dense, Tensor points, Tensor values, "
      "float threshold) -> ()");
  m.def(
      "mise_split(Tensor(a!) bits, Tensor voxels) -> (Tensor voxels_next, "
      "Tensor points)");
  m.def("mise_fill(Tensor bits, Tensor dense) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("mise_store", TORCH_BOX(&svr3d::mise_store));
  m.impl("mise_split", TORCH_BOX(&svr3d::mise_split));
  m.impl("mise_fill", TORCH_BOX(&svr3d::mise_fill));
}
