// SPDX-License-Identifier: Apache-2.0
#include "parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "../common/counting_sort.h"
#include "../common/vec3.h"

namespace svr3d {
namespace {

using Triple = std::array<int32_t, 3>;

// Open parts flatter than this (volume over area^1.5; a ball has 0.094) keep the
// orientation they came with.
constexpr double kFlat = 0.01;

// Faces whose areas are summed in one go, whatever the number of threads.
constexpr int64_t kSumBlock = 1024;
// Parts of more faces than this are worth several threads.
constexpr int64_t kLargePart = 8192;

uint64_t position_hash(const double* p) {
  uint64_t hash = 0;
  for (int k = 0; k < 3; ++k) {
    const double value = p[k] + 0.0;  // -0 and 0 are one position
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash;
}

// For each vertex the lowest index of a vertex at the same position. Each thread has a
// table for its share of the hashes, which it fills in the order of the vertices.
std::vector<int32_t> merge_positions(const double* vertices, int64_t count) {
  std::vector<int32_t> first(count);
  const std::unique_ptr<uint64_t[]> hashes(new uint64_t[count]);
  const int64_t chunks = num_chunks(count, 4096);
  for_chunks(count, chunks, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) hashes[i] = position_hash(vertices + 3 * i);
  });
  for_chunks(chunks, chunks, [&](int64_t share, int64_t, int64_t) {
    const auto is_own = [&](uint64_t hash) {
      return static_cast<int64_t>((hash >> 32) * chunks >> 32) == share;
    };
    size_t own = 0, slots = 16;
    for (int64_t i = 0; i < count; ++i) own += is_own(hashes[i]);
    while (slots < 2 * own) slots *= 2;
    std::vector<int32_t> table(slots, -1);
    for (int64_t i = 0; i < count; ++i) {
      if (!is_own(hashes[i])) continue;
      const double* p = vertices + 3 * i;
      size_t slot = hashes[i] & (slots - 1);
      for (;; slot = (slot + 1) & (slots - 1)) {
        if (table[slot] < 0) table[slot] = static_cast<int32_t>(i);
        const double* q = vertices + 3 * int64_t(table[slot]);
        if (p[0] == q[0] && p[1] == q[1] && p[2] == q[2]) break;
      }
      first[i] = table[slot];
    }
  });
  return first;
}

// Calls visit(begin, end) with the items of each vertex; threads share the vertices.
template <typename T, typename Visit>
void visit_groups(T* items, const std::vector<int32_t>& start, const Visit& visit) {
  const int64_t count = static_cast<int64_t>(start.size()) - 1;
  for_chunks(count, num_chunks(count, 1024), [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t v = begin; v < end; ++v)
      if (start[v] < start[v + 1]) visit(items + start[v], items + start[v + 1]);
  });
}

// Whether the corners span an area.
bool has_area(const double* vertices, const Triple& t) {
  const Vec3<double> a = load3(vertices + 3 * int64_t(t[0]));
  const Vec3<double> u = load3(vertices + 3 * int64_t(t[1])) - a;
  const Vec3<double> v = load3(vertices + 3 * int64_t(t[2])) - a;
  const Vec3<double> n = cross(u, v);
  return dot(n, n) > 1e-28 * dot(u, u) * dot(v, v);
}

// Faces with area, each set of three positions once.
std::vector<Triple> clean_faces(const double* vertices, const int64_t* faces,
                                int64_t count, const std::vector<int32_t>& merged) {
  struct Key {
    Triple sorted;
    int32_t face;
  };
  const auto corners = [&](int64_t f) {
    return Triple{merged[faces[3 * f]], merged[faces[3 * f + 1]],
                  merged[faces[3 * f + 2]]};
  };
  const std::unique_ptr<char[]> keep(new char[count]);
  const int32_t num_vertices = static_cast<int32_t>(merged.size());
  CountingSort by_vertex(count, num_vertices, each_key([&](int64_t f) {
                           const Triple t = corners(f);
                           keep[f] = has_area(vertices, t);
                           return keep[f] ? std::min({t[0], t[1], t[2]})
                                          : num_vertices;
                         }));
  const std::unique_ptr<Key[]> keys(new Key[count]);
  by_vertex.place([&](int64_t f, int32_t to) {
    keys[to] = {corners(f), static_cast<int32_t>(f)};
    std::sort(keys[to].sorted.begin(), keys[to].sorted.end());
  });
  visit_groups(keys.get(), by_vertex.start(), [&](Key* begin, Key* end) {
    std::sort(begin, end, [](const Key& a, const Key& b) {
      return a.sorted != b.sorted ? a.sorted < b.sorted : a.face < b.face;
    });
    for (Key* i = begin + 1; i < end; ++i)
      if (i->sorted == (i - 1)->sorted) keep[i->face] = 0;
  });
  const int64_t chunks = num_chunks(count, 4096);
  std::vector<int64_t> start(chunks + 1, 0);
  for_chunks(count, chunks, [&](int64_t chunk, int64_t begin, int64_t end) {
    start[chunk + 1] = std::count(keep.get() + begin, keep.get() + end, 1);
  });
  for (int64_t chunk = 0; chunk < chunks; ++chunk) start[chunk + 1] += start[chunk];
  std::vector<Triple> result(start[chunks]);
  for_chunks(count, chunks, [&](int64_t chunk, int64_t begin, int64_t end) {
    int64_t to = start[chunk];
    for (int64_t f = begin; f < end; ++f)
      if (keep[f]) result[to++] = corners(f);
  });
  return result;
}

struct Links {
  std::vector<Triple> neighbour;           // per face edge, -1 where there is none
  std::vector<std::array<bool, 3>> flips;  // the neighbour runs the same way
};

Links link_faces(const std::vector<Triple>& faces, int64_t num_vertices) {
  struct Edge {
    int32_t high, face;
    int8_t side;
    bool forward;
  };
  const int64_t count = 3 * static_cast<int64_t>(faces.size());
  const auto from = [&](int64_t e) { return faces[e / 3][e % 3]; };
  const auto next = [&](int64_t e) { return e % 3 == 2 ? e - 2 : e + 1; };
  CountingSort by_low(
      count, num_vertices,
      each_key([&](int64_t e) { return std::min(from(e), from(next(e))); }));
  const std::unique_ptr<Edge[]> edges(new Edge[count]);
  by_low.place([&](int64_t e, int32_t place) {
    const int32_t u = from(e), v = from(next(e));
    edges[place] = {std::max(u, v), static_cast<int32_t>(e / 3),
                    static_cast<int8_t>(e % 3), u < v};
  });
  Links links{std::vector<Triple>(faces.size(), Triple{-1, -1, -1}),
              std::vector<std::array<bool, 3>>(faces.size())};
  visit_groups(edges.get(), by_low.start(), [&](Edge* begin, Edge* end) {
    std::sort(begin, end, [](const Edge& a, const Edge& b) {
      return a.high != b.high ? a.high < b.high : a.face < b.face;
    });
    for (Edge* i = begin; i < end;) {
      Edge* j = i + 1;
      while (j < end && j->high == i->high) ++j;
      if (j - i == 2) {
        const Edge &a = *i, &b = *(i + 1);
        const bool flip = a.forward == b.forward;
        links.neighbour[a.face][a.side] = b.face;
        links.neighbour[b.face][b.side] = a.face;
        links.flips[a.face][a.side] = links.flips[b.face][b.side] = flip;
      }
      i = j;
    }
  });
  return links;
}

// What a block of faces contributes to the measures of its part.
struct Sums {
  double centre[3] = {0, 0, 0}, area = 0, flipped_area = 0;
  double low[3] = {1e300, 1e300, 1e300}, high[3] = {-1e300, -1e300, -1e300};
};

// Calls run(block, begin, end) for blocks of one size, which threads share.
template <typename Run>
void for_blocks(int64_t count, const Run& run) {
  const int64_t blocks = (count + kSumBlock - 1) / kSumBlock;
  for_chunks(blocks, num_chunks(blocks, 2), [&](int64_t, int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b)
      run(b, b * kSumBlock, std::min(count, (b + 1) * kSumBlock));
  });
}

// Fills in the geometry of a part from its faces and their flips.
void make_part(const double* vertices, const std::vector<Triple>& faces,
               const int32_t* members, int64_t count,
               const std::vector<int8_t>& flipped, Part& part) {
  const int64_t blocks = (count + kSumBlock - 1) / kSumBlock;
  std::vector<Sums> sums(blocks);
  part.corners.reset(new double[9 * count]);
  part.num_faces = count;
  double* corners = part.corners.get();
  for_blocks(count, [&](int64_t block, int64_t begin, int64_t end) {
    Sums own;
    for (int64_t i = begin; i < end; ++i) {
      const Triple& t = faces[members[i]];
      const bool flip = flipped[members[i]];
      const int corner[3] = {t[0], t[flip ? 2 : 1], t[flip ? 1 : 2]};
      double* p = corners + 9 * i;
      for (int c = 0; c < 3; ++c) {
        for (int k = 0; k < 3; ++k) {
          const double x = vertices[3 * int64_t(corner[c]) + k];
          p[3 * c + k] = x;
          own.low[k] = std::min(own.low[k], x);
          own.high[k] = std::max(own.high[k], x);
        }
      }
      const Vec3<double> n = cross(load3(p + 3) - load3(p), load3(p + 6) - load3(p));
      const double size = std::sqrt(dot(n, n)) / 2;
      own.area += size;
      own.flipped_area += flip ? size : 0;
      for (int k = 0; k < 3; ++k)
        own.centre[k] += size * (p[k] + p[3 + k] + p[6 + k]) / 3;
    }
    sums[block] = own;
  });
  Sums all;
  for (const Sums& own : sums) {
    all.area += own.area;
    all.flipped_area += own.flipped_area;
    for (int k = 0; k < 3; ++k) {
      all.centre[k] += own.centre[k];
      all.low[k] = std::min(all.low[k], own.low[k]);
      all.high[k] = std::max(all.high[k], own.high[k]);
    }
  }
  std::copy_n(all.low, 3, part.low);
  std::copy_n(all.high, 3, part.high);
  const Vec3<double> middle = {all.centre[0] / all.area, all.centre[1] / all.area,
                               all.centre[2] / all.area};
  std::vector<double> volumes(blocks);
  for_blocks(count, [&](int64_t block, int64_t begin, int64_t end) {
    double own = 0;
    for (const double* p = corners + 9 * begin; p < corners + 9 * end; p += 9)
      own += dot(load3(p) - middle,
                 cross(load3(p + 3) - middle, load3(p + 6) - middle)) / 6;
    volumes[block] = own;
  });
  double volume = 0;
  for (double own : volumes) volume += own;
  const bool flat =
      !part.closed && std::fabs(volume) < kFlat * all.area * std::sqrt(all.area);
  if (flat ? all.flipped_area > all.area / 2 : volume < 0) {
    for (double* p = corners; p < corners + 9 * count; p += 9)
      std::swap_ranges(p + 3, p + 6, p + 6);
  }
}

}  // namespace

std::vector<Part> split_parts(const double* vertices, int64_t num_vertices,
                              const int64_t* faces, int64_t num_faces) {
  const std::vector<int32_t> merged = merge_positions(vertices, num_vertices);
  const std::vector<Triple> clean = clean_faces(vertices, faces, num_faces, merged);
  const Links links = link_faces(clean, num_vertices);
  std::vector<int8_t> flipped(clean.size(), -1);
  std::vector<int32_t> part_of(clean.size());
  std::vector<bool> all_closed;
  std::vector<int32_t> queue;
  for (size_t seed = 0; seed < clean.size(); ++seed) {
    if (flipped[seed] >= 0) continue;
    queue.assign(1, static_cast<int32_t>(seed));
    flipped[seed] = 0;
    bool closed = true;
    for (size_t n = 0; n < queue.size(); ++n) {
      const int32_t f = queue[n];
      part_of[f] = static_cast<int32_t>(all_closed.size());
      for (int s = 0; s < 3; ++s) {
        const int32_t g = links.neighbour[f][s];
        if (g < 0) {
          closed = false;
          continue;
        }
        const int8_t wanted = flipped[f] != links.flips[f][s];
        if (flipped[g] < 0) {
          flipped[g] = wanted;
          queue.push_back(g);
        } else if (flipped[g] != wanted) {
          closed = false;  // one-sided, like a Moebius strip
        }
      }
    }
    all_closed.push_back(closed);
  }
  const int64_t count = static_cast<int64_t>(clean.size());
  const int64_t num_parts = static_cast<int64_t>(all_closed.size());
  CountingSort by_part(count, num_parts,
                       each_key([&](int64_t f) { return part_of[f]; }));
  const std::unique_ptr<int32_t[]> members(new int32_t[count]);
  by_part.place([&](int64_t f, int32_t to) { members[to] = static_cast<int32_t>(f); });
  const std::vector<int32_t>& start = by_part.start();
  std::vector<Part> parts(num_parts);
  const auto make = [&](int64_t p) {
    parts[p].closed = all_closed[p];
    make_part(vertices, clean, members.get() + start[p], start[p + 1] - start[p],
              flipped, parts[p]);
  };
  // Threads share the faces of large parts, and else the parts.
  const auto is_large = [&](int64_t p) { return start[p + 1] - start[p] > kLargePart; };
  for (int64_t p = 0; p < num_parts; ++p)
    if (is_large(p)) make(p);
  torch::stable::parallel_for(0, num_parts, 16, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      if (!is_large(p)) make(p);
  });
  return parts;
}

}  // namespace svr3d
