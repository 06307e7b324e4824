// SPDX-License-Identifier: Apache-2.0
#include "parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "../common/vec3.h"

namespace svr3d {
namespace {

using Triple = std::array<int32_t, 3>;

// Open parts flatter than this (volume over area^1.5; a ball has 0.094) keep the
// orientation they came with.
constexpr double kFlat = 0.01;

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

// For each vertex the lowest index of a vertex at the same position.
std::vector<int32_t> merge_positions(const double* vertices, int64_t count) {
  size_t slots = 16;
  while (slots < 2 * static_cast<size_t>(count)) slots *= 2;
  std::vector<int32_t> table(slots, -1), first(count);
  for (int64_t i = 0; i < count; ++i) {
    const double* p = vertices + 3 * i;
    size_t slot = position_hash(p) & (slots - 1);
    for (;; slot = (slot + 1) & (slots - 1)) {
      if (table[slot] < 0) table[slot] = static_cast<int32_t>(i);
      const double* q = vertices + 3 * int64_t(table[slot]);
      if (p[0] == q[0] && p[1] == q[1] && p[2] == q[2]) break;
    }
    first[i] = table[slot];
  }
  return first;
}

// Sorts items by a vertex, keeping the order of equals, and calls visit(begin, end)
// for the items of each vertex.
template <typename T, typename Key, typename Visit>
void group_by_vertex(std::vector<T>& items, int64_t num_vertices, const Key& key,
                     const Visit& visit) {
  std::vector<int64_t> start(num_vertices + 1, 0);
  for (const T& item : items) ++start[key(item) + 1];
  for (int64_t v = 0; v < num_vertices; ++v) start[v + 1] += start[v];
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  std::vector<T> sorted(items.size());
  for (const T& item : items) sorted[next[key(item)]++] = item;
  items.swap(sorted);
  for (int64_t v = 0; v < num_vertices; ++v)
    if (start[v] < start[v + 1])
      visit(items.begin() + start[v], items.begin() + start[v + 1]);
}

// Faces with area, each set of three positions once.
std::vector<Triple> clean_faces(const double* vertices, const int64_t* faces,
                                int64_t count, const std::vector<int32_t>& merged) {
  struct Key {
    Triple sorted;
    int32_t index;
  };
  std::vector<Triple> all;
  std::vector<Key> keys;
  all.reserve(count);
  keys.reserve(count);
  for (int64_t f = 0; f < count; ++f) {
    const Triple t = {merged[faces[3 * f]], merged[faces[3 * f + 1]],
                      merged[faces[3 * f + 2]]};
    const Vec3<double> a = load3(vertices + 3 * int64_t(t[0]));
    const Vec3<double> u = load3(vertices + 3 * int64_t(t[1])) - a;
    const Vec3<double> v = load3(vertices + 3 * int64_t(t[2])) - a;
    const Vec3<double> n = cross(u, v);
    if (!(dot(n, n) > 1e-28 * dot(u, u) * dot(v, v))) continue;
    Triple sorted = t;
    std::sort(sorted.begin(), sorted.end());
    keys.push_back({sorted, static_cast<int32_t>(all.size())});
    all.push_back(t);
  }
  std::vector<char> repeated(all.size(), 0);
  using Iterator = typename std::vector<Key>::iterator;
  group_by_vertex(
      keys, static_cast<int64_t>(merged.size()),
      [](const Key& key) { return key.sorted[0]; },
      [&](Iterator begin, Iterator end) {
        std::sort(begin, end, [](const Key& a, const Key& b) {
          return a.sorted != b.sorted ? a.sorted < b.sorted : a.index < b.index;
        });
        for (Iterator i = begin + 1; i < end; ++i)
          repeated[i->index] = i->sorted == (i - 1)->sorted;
      });
  std::vector<Triple> result;
  result.reserve(all.size());
  for (size_t f = 0; f < all.size(); ++f)
    if (!repeated[f]) result.push_back(all[f]);
  return result;
}

struct Links {
  std::vector<Triple> neighbour;           // per face edge, -1 where there is none
  std::vector<std::array<bool, 3>> flips;  // the neighbour runs the same way
};

Links link_faces(const std::vector<Triple>& faces, int64_t num_vertices) {
  struct Edge {
    int32_t low, high, face;
    int8_t side;
    bool forward;
  };
  std::vector<Edge> edges;
  edges.reserve(3 * faces.size());
  for (size_t f = 0; f < faces.size(); ++f) {
    for (int8_t s = 0; s < 3; ++s) {
      const int32_t u = faces[f][s], v = faces[f][(s + 1) % 3];
      edges.push_back({std::min(u, v), std::max(u, v), static_cast<int32_t>(f), s,
                       u < v});
    }
  }
  Links links{std::vector<Triple>(faces.size(), Triple{-1, -1, -1}),
              std::vector<std::array<bool, 3>>(faces.size())};
  using Iterator = typename std::vector<Edge>::iterator;
  const auto link = [&](Iterator begin, Iterator end) {
    std::sort(begin, end, [](const Edge& a, const Edge& b) {
      return a.high != b.high ? a.high < b.high : a.face < b.face;
    });
    for (Iterator i = begin; i < end;) {
      Iterator j = i + 1;
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
  };
  group_by_vertex(edges, num_vertices, [](const Edge& edge) { return edge.low; }, link);
  return links;
}

// Fills in the geometry of a part from its faces and their flips.
Part make_part(const double* vertices, const std::vector<Triple>& faces,
               const std::vector<int32_t>& members, const std::vector<int8_t>& flipped,
               bool closed) {
  Part part;
  part.closed = closed;
  double centre[3] = {0, 0, 0}, area = 0, flipped_area = 0, volume = 0;
  for (int k = 0; k < 3; ++k) {
    part.low[k] = 1e300;
    part.high[k] = -1e300;
  }
  part.corners.reserve(9 * members.size());
  for (int32_t f : members) {
    const bool flip = flipped[f];
    const int corner[3] = {faces[f][0], faces[f][flip ? 2 : 1], faces[f][flip ? 1 : 2]};
    for (int c = 0; c < 3; ++c) {
      for (int k = 0; k < 3; ++k) {
        const double x = vertices[3 * int64_t(corner[c]) + k];
        part.corners.push_back(x);
        part.low[k] = std::min(part.low[k], x);
        part.high[k] = std::max(part.high[k], x);
      }
    }
    const double* p = part.corners.data() + part.corners.size() - 9;
    const Vec3<double> n = cross(load3(p + 3) - load3(p), load3(p + 6) - load3(p));
    const double size = std::sqrt(dot(n, n)) / 2;
    area += size;
    flipped_area += flip ? size : 0;
    for (int k = 0; k < 3; ++k) centre[k] += size * (p[k] + p[3 + k] + p[6 + k]) / 3;
  }
  const Vec3<double> middle = {centre[0] / area, centre[1] / area, centre[2] / area};
  for (size_t i = 0; i < part.corners.size(); i += 9) {
    const double* p = part.corners.data() + i;
    volume += dot(load3(p) - middle,
                  cross(load3(p + 3) - middle, load3(p + 6) - middle)) / 6;
  }
  const bool flat = !closed && std::fabs(volume) < kFlat * area * std::sqrt(area);
  if (flat ? flipped_area > area / 2 : volume < 0) {
    for (size_t i = 0; i < part.corners.size(); i += 9)
      std::swap_ranges(part.corners.begin() + i + 3, part.corners.begin() + i + 6,
                       part.corners.begin() + i + 6);
  }
  return part;
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
  std::vector<std::vector<int32_t>> members(all_closed.size());
  for (size_t f = 0; f < clean.size(); ++f)
    members[part_of[f]].push_back(static_cast<int32_t>(f));
  std::vector<Part> parts;
  parts.reserve(members.size());
  for (size_t p = 0; p < members.size(); ++p)
    parts.push_back(make_part(vertices, clean, members[p], flipped, all_closed[p]));
  return parts;
}

}  // namespace svr3d
