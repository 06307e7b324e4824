// SPDX-License-Identifier: Apache-2.0
// Book-keeping of multi-resolution extraction. Three bits per point of the finest grid
// tell whether it exists, and whether its value is high or low; a voxel finds both
// marks by joining the words of its closed box, without any map of points.
#include <algorithm>
#include <array>
#include <memory>
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

// Points in the order they came; a vector's own insertion costs more than the rest.
class PointList {
 public:
  void add(int64_t x, int64_t y, int64_t z) {
    if (used_ + 3 > values_.size()) values_.resize(2 * values_.size() + 3 * 4096);
    int64_t* end = &values_[used_];
    end[0] = x, end[1] = y, end[2] = z;
    used_ += 3;
  }
  int64_t count() const { return static_cast<int64_t>(used_ / 3); }
  const int64_t* data() const { return values_.data(); }

 private:
  std::vector<int64_t> values_;
  size_t used_ = 0;
};

// One edge length's answer to "does this voxel hold both marks?", for all voxels of
// that edge on the whole grid, 64 at a time: the rows that a column of voxels touches
// are joined by words, then every bit is joined with the `edge` bits behind it.
class BothMarks {
 public:
  BothMarks(const BitGrid& grid, int log_size)
      : log_size_(log_size), side_((grid.size - 1) >> log_size), words_(grid.words),
        bits_(side_ * side_ * words_) {
    std::vector<uint64_t> high(words_), low(words_);
    for (int64_t x = 0; x < side_; ++x)
      for (int64_t y = 0; y < side_; ++y) {
        join_rows(grid, kHigh, x << log_size, y << log_size, high.data());
        join_rows(grid, kLow, x << log_size, y << log_size, low.data());
        uint64_t* out = &bits_[(x * side_ + y) * words_];
        for (int64_t w = 0; w < words_; ++w) out[w] = high[w] & low[w];
      }
  }

  bool at(const Voxel& voxel) const {
    const int64_t column = (voxel.x >> log_size_) * side_ + (voxel.y >> log_size_);
    return bits_[column * words_ + voxel.z / 64] >> (voxel.z % 64) & 1;
  }

 private:
  void join_rows(const BitGrid& grid, int plane, int64_t x, int64_t y,
                 uint64_t* out) const {
    const int64_t edge = int64_t(1) << log_size_;
    std::fill_n(out, words_, 0);
    for (int64_t i = x; i <= x + edge; ++i)
      for (int64_t j = y; j <= y + edge; ++j) {
        const uint64_t* row = grid.row(plane, i, j);
        for (int64_t w = 0; w < words_; ++w) out[w] |= row[w];
      }
    // Windows of 2, 4, ... edge bits, and at last of edge + 1.
    for (int64_t reach = 1; reach < edge; reach *= 2) join_shifted(out, reach);
    join_shifted(out, 1);
  }

  // out |= out >> shift, word for word upwards, so that the words ahead are unchanged.
  void join_shifted(uint64_t* out, int64_t shift) const {
    const int64_t skip = shift / 64, rest = shift % 64;
    for (int64_t w = 0; w + skip < words_; ++w) {
      uint64_t ahead = out[w + skip] >> rest;
      if (rest && w + skip + 1 < words_) ahead |= out[w + skip + 1] << (64 - rest);
      out[w] |= ahead;
    }
  }

  int log_size_;
  int64_t side_, words_;
  std::vector<uint64_t> bits_;
};

// Splits a voxel: its 27 points, as far as they are new, and its eight parts.
void split(const BitGrid& grid, const Voxel& voxel, std::vector<Voxel>& parts,
           PointList& points) {
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
        points.add(x, y, z);
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
  PointList points;
  kept.reserve(count);
  // Marks do not change while voxels are split, so each edge is answered once.
  std::array<std::unique_ptr<BothMarks>, 31> marks;
  for (int64_t i = 0; i < count; ++i) {
    const Voxel voxel{data[4 * i], data[4 * i + 1], data[4 * i + 2], data[4 * i + 3]};
    STD_TORCH_CHECK(voxel.log_size >= 1 && voxel.log_size < 30 && voxel.x >= 0 &&
                        voxel.y >= 0 && voxel.z >= 0 &&
                        std::max({voxel.x, voxel.y, voxel.z}) +
                                (int64_t(1) << voxel.log_size) <
                            size &&
                        !((voxel.x | voxel.y | voxel.z) &
                          ((int32_t(1) << voxel.log_size) - 1)),
                    "voxels must lie in the grid, at multiples of their edge; found a wrong "
                    "one in row ", i);
    auto& edge = marks[voxel.log_size];
    if (!edge) edge = std::make_unique<BothMarks>(grid, voxel.log_size);
    if (edge->at(voxel))
      split(grid, voxel, parts, points);
    else
      kept.push_back(voxel);
  }
  kept.insert(kept.end(), parts.begin(), parts.end());
  Tensor next = new_tensor(voxels, {static_cast<int64_t>(kept.size()), 4},
                           ScalarType::Int);
  Tensor found = new_tensor(voxels, {points.count(), 3},
                            ScalarType::Long);
  static_assert(sizeof(Voxel) == 4 * sizeof(int32_t), "a voxel is a row of four");
  if (!kept.empty())
    std::copy_n(reinterpret_cast<const int32_t*>(kept.data()), 4 * kept.size(),
                next.mutable_data_ptr<int32_t>());
  std::copy_n(points.data(), 3 * points.count(), found.mutable_data_ptr<int64_t>());
  return {next, found};
}

// Copies `in[z]` to `out[z]` for every bit z of `mask`, a word of a row.
void copy_bits(double* out, const double* in, uint64_t mask) {
  if (mask == ~uint64_t(0)) {
    std::copy_n(in, 64, out);
    return;
  }
  for (; mask; mask &= mask - 1) {
    const int bit = __builtin_ctzll(mask);
    out[bit] = in[bit];
  }
}

// Fills a grid: an unknown value is that of the previous point along x, else y, else z.
// One sweep does all three, for a row needs the row before it in x as it was before y
// and z filled it (its first known bits say which values those are), and the row before
// it in y as it was before z did (its second).
void mise_fill(Tensor bits, Tensor dense, Tensor filled) {
  check_bits(bits);
  const int64_t size = bits.size(1), words = bits.size(3), area = size * size;
  check_tensor(dense, "dense", ScalarType::Double, {size, size, size});
  check_tensor(filled, "filled", ScalarType::Double, {size, size, size});
  STD_TORCH_CHECK(filled.is_contiguous(), "filled must be contiguous");
  dense = torch::stable::contiguous(dense);
  const double* in = dense.const_data_ptr<double>();
  double* out = filled.mutable_data_ptr<double>();
  const BitGrid grid = bit_grid(bits);
  // Bits of what has a value along x, per row of the plane before, and along x or y.
  std::vector<uint64_t> along_x(size * words), along_y(words);
  const uint64_t last = size % 64 ? (uint64_t(1) << (size % 64)) - 1 : ~uint64_t(0);
  for (int64_t x = 0; x < size; ++x) {
    std::fill(along_y.begin(), along_y.end(), 0);
    for (int64_t y = 0; y < size; ++y) {
      const uint64_t* here = grid.row(kExists, x, y);
      uint64_t* known = &along_x[y * words];
      const int64_t row = x * area + y * size;
      double before = 0;  // of what z fills; the first point of the grid is known
      for (int64_t w = 0; w < words; ++w) {
        const int64_t z = row + 64 * w;
        const uint64_t all = w + 1 < words ? ~uint64_t(0) : last;
        const uint64_t exists = here[w] & all;
        const uint64_t from_x = known[w] & ~exists;
        known[w] |= exists;
        const uint64_t from_y = along_y[w] & ~known[w];
        along_y[w] |= known[w];
        copy_bits(out + z, in + z, exists);
        copy_bits(out + z, out + z - area, from_x);
        copy_bits(out + z, out + z - size, from_y);
        const int count = w + 1 < words ? 64 : static_cast<int>(size - 64 * w);
        const uint64_t missing = all & ~along_y[w];
        for (uint64_t left = missing; left; left &= left - 1) {
          const int bit = __builtin_ctzll(left);
          out[z + bit] = bit ? out[z + bit - 1] : before;
        }
        before = out[z + count - 1];
      }
    }
  }
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
  m.def("mise_fill(Tensor bits, Tensor dense, Tensor(a!) filled) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("mise_store", TORCH_BOX(&svr3d::mise_store));
  m.impl("mise_split", TORCH_BOX(&svr3d::mise_split));
  m.impl("mise_fill", TORCH_BOX(&svr3d::mise_fill));
}
