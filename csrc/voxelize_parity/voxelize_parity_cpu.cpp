// SPDX-License-Identifier: Apache-2.0
// A crossing flips one bit of its column's words; the parity of the bits below each
// cell says whether it is inside. Flips commute, so threads share the faces, each with
// bits of its own, and any number of them gives the same grid.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "../common/mesh_arrays.h"
#include "voxelize_parity.h"

namespace svr3d {
namespace {

constexpr int64_t kFacesPerThread = 8192;
constexpr int kBlock = 512;

// Packs the centres below each vertex's y (low half) and x (high half).
template <typename T>
void count_centres(const T* vertex, int64_t count, int resolution, uint32_t* below) {
  for (int64_t i = 0; i < count; ++i) {
    const T* p = vertex + 3 * i;
    const uint32_t u = centres_below(to_cells(p[1], resolution), resolution);
    const uint32_t v = centres_below(to_cells(p[0], resolution), resolution);
    below[i] = u | v << 16;
  }
}

template <typename T>
SweepCorner corner_of(const T* vertex, const uint32_t* below, int64_t index,
                      int resolution) {
  const T* p = vertex + 3 * index;
  return {to_cells(p[1], resolution), to_cells(p[0], resolution),
          to_cells(p[2], resolution), static_cast<int>(below[index] & 0xffff),
          static_cast<int>(below[index] >> 16)};
}

template <typename T, typename I>
void flip_bits(const T* vertex, const uint32_t* below, const I* face, int64_t begin,
               int64_t end, int resolution, uint64_t* bits) {
  const int64_t words = (resolution + 63) / 64;
  int64_t kept[kBlock];
  for (int64_t start = begin; start < end; start += kBlock) {
    const int64_t stop = std::min<int64_t>(start + kBlock, end);
    int count = 0;
    for (int64_t f = start; f < stop; ++f) {
      // Most small faces lie between two neighbouring centres in u or in v.
      const uint32_t a = below[face[3 * f]];
      const uint32_t d = (a ^ below[face[3 * f + 1]]) | (a ^ below[face[3 * f + 2]]);
      kept[count] = f;
      count += ((d & 0xffff) != 0) & ((d >> 16) != 0);
    }
    for (int n = 0; n < count; ++n) {
      const I* corner = face + 3 * kept[n];
      sweep_triangle(corner_of(vertex, below, corner[0], resolution),
                     corner_of(vertex, below, corner[1], resolution),
                     corner_of(vertex, below, corner[2], resolution), resolution,
                     [&](int i, int j, int k, int) {
                       if (k == resolution) return;
                       const int64_t column = int64_t(j) * resolution + i;
                       bits[column * words + k / 64] ^= uint64_t{1} << (k % 64);
                     });
    }
  }
}

// For each byte its bits as eight bytes, the lowest first.
const std::array<std::array<uint8_t, 8>, 256>& expansions() {
  static const auto table = [] {
    std::array<std::array<uint8_t, 8>, 256> t;
    for (int value = 0; value < 256; ++value)
      for (int bit = 0; bit < 8; ++bit) t[value][bit] = value >> bit & 1;
    return t;
  }();
  return table;
}

// Columns [begin, end) from the bits of all threads.
void expand(const std::vector<std::vector<uint64_t>>& bits, int64_t begin, int64_t end,
            int resolution, uint8_t* grid) {
  const auto& table = expansions();
  const int64_t words = (resolution + 63) / 64;
  for (int64_t column = begin; column < end; ++column) {
    uint8_t* out = grid + column * resolution;
    uint64_t carry = 0;
    for (int64_t w = 0; w < words; ++w) {
      uint64_t word = 0;
      for (const auto& own : bits) word ^= own[column * words + w];
      word = prefix_parity(word) ^ carry;
      carry = word >> 63 ? ~uint64_t{0} : 0;
      const int64_t size = std::min<int64_t>(64, resolution - 64 * w);
      int64_t i = 0;
      for (; i + 8 <= size; i += 8)
        std::memcpy(out + 64 * w + i, table[word >> i & 255].data(), 8);
      for (; i < size; ++i) out[64 * w + i] = word >> i & 1;
    }
  }
}

template <typename T, typename I>
void run(const Tensor& vertices, const Tensor& faces, const int64_t* first,
         int64_t meshes, int resolution, uint8_t* grid) {
  const MeshArrays<T, I> mesh(vertices, faces);
  const T* vertex = mesh.vertex;
  const I* face = mesh.face;
  std::vector<uint32_t> below(mesh.num_vertices);
  torch::stable::parallel_for(
      0, mesh.num_vertices, 16384, [&](int64_t begin, int64_t end) {
        count_centres(vertex + 3 * begin, end - begin, resolution,
                      below.data() + begin);
      });
  const int64_t columns = int64_t(resolution) * resolution;
  const int64_t words = columns * ((resolution + 63) / 64);
  const int64_t cells = columns * resolution;
  const int64_t threads = torch::stable::get_num_threads();
  if (meshes >= threads || first[meshes] <= kFacesPerThread) {
    torch::stable::parallel_for(0, meshes, 1, [&](int64_t begin, int64_t end) {
      std::vector<std::vector<uint64_t>> bits(1);
      for (int64_t b = begin; b < end; ++b) {
        bits[0].assign(words, 0);
        flip_bits(vertex, below.data(), face, first[b], first[b + 1], resolution,
                  bits[0].data());
        expand(bits, 0, columns, resolution, grid + cells * b);
      }
    });
    return;
  }
  for (int64_t b = 0; b < meshes; ++b) {
    const int64_t count = first[b + 1] - first[b];
    const int64_t parts =
        std::max<int64_t>(1, std::min(threads, count / kFacesPerThread));
    std::vector<std::vector<uint64_t>> bits(parts);
    torch::stable::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        bits[p].assign(words, 0);
        flip_bits(vertex, below.data(), face, first[b] + count * p / parts,
                  first[b] + count * (p + 1) / parts, resolution, bits[p].data());
      }
    });
    torch::stable::parallel_for(0, columns, 2048, [&](int64_t begin, int64_t end) {
      expand(bits, begin, end, resolution, grid + cells * b);
    });
  }
}

Tensor voxelize_parity(Tensor vertices, Tensor faces, std::optional<Tensor> first_face,
                       int64_t resolution) {
  const bool single = vertices.scalar_type() == ScalarType::Float;
  const bool narrow = faces.scalar_type() == ScalarType::Int;
  check_tensor(vertices, "vertices", single ? ScalarType::Float : ScalarType::Double,
               {-1, 3});
  check_tensor(faces, "faces", narrow ? ScalarType::Int : ScalarType::Long, {-1, 3});
  STD_TORCH_CHECK(resolution >= 1 && resolution <= 1024,
                  "resolution must be 1 to 1024, found ", resolution);
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  std::vector<int64_t> first = {0, faces.size(0)};
  if (first_face) {
    check_tensor(*first_face, "first_face", ScalarType::Long, {-1});
    const Tensor bounds = torch::stable::contiguous(*first_face);
    const int64_t* data = bounds.const_data_ptr<int64_t>();
    first.assign(data, data + bounds.size(0));
    STD_TORCH_CHECK(!first.empty() && first.front() == 0 &&
                        first.back() == faces.size(0) &&
                        std::is_sorted(first.begin(), first.end()),
                    "first_face must rise from 0 to the number of faces");
  }
  const int64_t meshes = static_cast<int64_t>(first.size()) - 1;
  Tensor out = new_tensor(vertices, {meshes, resolution, resolution, resolution},
                          ScalarType::Byte);
  const auto kernel = single ? (narrow ? run<float, int32_t> : run<float, int64_t>)
                             : (narrow ? run<double, int32_t> : run<double, int64_t>);
  kernel(vertices, faces, first.data(), meshes, static_cast<int>(resolution),
         out.mutable_data_ptr<uint8_t>());
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "voxelize_parity(Tensor vertices, Tensor faces, Tensor? first_face, "
      "SymInt resolution) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("voxelize_parity", TORCH_BOX(&svr3d::voxelize_parity));
}
