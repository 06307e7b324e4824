// SPDX-License-Identifier: Apache-2.0
#include "parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "../common/vec3.h"

namespace svr3d {
namespace {

using Triple = std::array<int32_t, 3>;

// Open parts flatter than this (volume over area^1.5; a ball has 0.094) keep the
// orientation they came with.
constexpr double kFlat = 0.01;

// For each vertex the lowest index of a vertex at the same position.
std::vector<int32_t> merge_positions(const double* vertices, int64_t count) {
  std::vector<int32_t> order(count), first(count);
  std::iota(order.begin(), order.end(), 0);
  auto less = [&](int32_t a, int32_t b) {
    const double* p = vertices + 3 * int64_t(a);
    const double* q = vertices + 3 * int64_t(b);
    for (int k = 0; k < 3; ++k)
      if (p[k] != q[k]) return p[k] < q[k];
    return a < b;
  };
  std::sort(order.begin(), order.end(), less);
  for (int64_t i = 0; i < count; ++i) {
    const double* p = vertices + 3 * int64_t(order[i]);
    const double* q = i ? vertices + 3 * int64_t(order[i - 1]) : nullptr;
    const bool same = q && p[0] == q[0] && p[1] == q[1] && p[2] == q[2];
    first[order[i]] = same ? first[order[i - 1]] : order[i];
  }
  return first;
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
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return a.sorted != b.sorted ? a.sorted < b.sorted : a.index < b.index;
  });
  std::vector<int32_t> kept;
  for (size_t i = 0; i < keys.size(); ++i)
    if (i == 0 || keys[i].sorted != keys[i - 1].sorted)
      kept.push_back(keys[i].index);
  std::sort(kept.begin(), kept.end());
  std::vector<Triple> result;
  for (int32_t index : kept) result.push_back(all[index]);
  return result;
}

struct Links {
  std::vector<Triple> neighbour;           // per face edge, -1 where there is none
  std::vector<std::array<bool, 3>> flips;  // the neighbour runs the same way
};

Links link_faces(const std::vector<Triple>& faces) {
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
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    if (a.low != b.low) return a.low < b.low;
    if (a.high != b.high) return a.high < b.high;
    return a.face < b.face;
  });
  Links links{std::vector<Triple>(faces.size(), Triple{-1, -1, -1}),
              std::vector<std::array<bool, 3>>(faces.size())};
  for (size_t i = 0; i < edges.size();) {
    size_t j = i + 1;
    while (j < edges.size() && edges[j].low == edges[i].low &&
           edges[j].high == edges[i].high)
      ++j;
    if (j - i == 2) {
      const Edge &a = edges[i], &b = edges[i + 1];
      const bool flip = a.forward == b.forward;
      links.neighbour[a.face][a.side] = b.face;
      links.neighbour[b.face][b.side] = a.face;
      links.flips[a.face][a.side] = links.flips[b.face][b.side] = flip;
    }
    i = j;
  }
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
  const Links links = link_faces(clean);
  std::vector<int8_t> flipped(clean.size(), -1);
  std::vector<Part> parts;
  for (size_t seed = 0; seed < clean.size(); ++seed) {
    if (flipped[seed] >= 0) continue;
    std::vector<int32_t> members = {static_cast<int32_t>(seed)};
    flipped[seed] = 0;
    bool closed = true;
    for (size_t n = 0; n < members.size(); ++n) {
      const int32_t f = members[n];
      for (int s = 0; s < 3; ++s) {
        const int32_t g = links.neighbour[f][s];
        if (g < 0) {
          closed = false;
          continue;
        }
        const int8_t wanted = flipped[f] != links.flips[f][s];
        if (flipped[g] < 0) {
          flipped[g] = wanted;
          members.push_back(g);
        } else if (flipped[g] != wanted) {
          closed = false;  // one-sided, like a Moebius strip
        }
      }
    }
    std::sort(members.begin(), members.end());
    parts.push_back(make_part(vertices, clean, members, flipped, closed));
  }
  return parts;
}

}  // namespace svr3d
