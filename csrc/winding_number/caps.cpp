// SPDX-License-Identifier: Apache-2.0
#include "caps.h"

#include <algorithm>

namespace svr3d {
namespace {

struct Edge {
  int64_t from, to;
};

// The other end of an edge, and +1 where it is walked from its lower end.
struct Side {
  int64_t high;
  int32_t direction;
};

// Edges that are walked more often in one direction than in the other, turned round.
std::vector<Edge> open_edges(const int64_t* faces, int64_t num_faces,
                             int64_t num_vertices) {
  std::vector<int64_t> start(num_vertices + 1);
  const auto each_edge = [&](const auto& visit) {
    for (int64_t f = 0; f < num_faces; ++f)
      for (int side = 0; side < 3; ++side) {
        const int64_t u = faces[3 * f + side], v = faces[3 * f + (side + 1) % 3];
        if (u != v) visit(u, v);
      }
  };
  each_edge([&](int64_t u, int64_t v) { ++start[std::min(u, v) + 1]; });
  for (int64_t v = 0; v < num_vertices; ++v) start[v + 1] += start[v];
  std::vector<Side> sides(start[num_vertices]);
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  each_edge([&](int64_t u, int64_t v) {
    sides[next[std::min(u, v)]++] = {std::max(u, v), u < v ? 1 : -1};
  });
  std::vector<Edge> found;
  for (int64_t low = 0; low < num_vertices; ++low) {
    Side* begin = sides.data() + start[low];
    Side* end = sides.data() + start[low + 1];
    std::sort(begin, end, [](const Side& a, const Side& b) { return a.high < b.high; });
    while (begin < end) {
      const int64_t high = begin->high;
      int64_t excess = 0;
      for (; begin < end && begin->high == high; ++begin) excess += begin->direction;
      for (; excess > 0; --excess) found.push_back({high, low});
      for (; excess < 0; ++excess) found.push_back({low, high});
    }
  }
  return found;
}

// Triangles between the path loop[first..last] and the chord back.
void fill(const std::vector<int64_t>& loop, size_t first, size_t last,
          std::vector<int64_t>& faces) {
  if (last - first < 2) return;
  const size_t middle = first + (last - first) / 2;
  faces.insert(faces.end(), {loop[first], loop[middle], loop[last]});
  fill(loop, first, middle, faces);
  fill(loop, middle, last, faces);
}

}  // namespace

Caps close_mesh(const int64_t* faces, int64_t num_faces, int64_t num_vertices,
                int64_t most) {
  Caps caps;
  std::vector<Edge> edges = open_edges(faces, num_faces, num_vertices);
  caps.boundary = static_cast<int64_t>(edges.size());
  if (caps.boundary > most) return caps;
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return a.from < b.from || (a.from == b.from && a.to < b.to);
  });
  // As many edges leave a vertex as arrive, so a walk ends where it began.
  std::vector<size_t> unused(edges.size());  // by group: the next edge to leave by
  const auto group = [&](int64_t vertex) {
    return static_cast<size_t>(
        std::lower_bound(edges.begin(), edges.end(), vertex,
                         [](const Edge& e, int64_t v) { return e.from < v; }) -
        edges.begin());
  };
  std::vector<int64_t> loop;
  for (size_t i = 0; i < edges.size(); ++i) {
    const size_t home = group(edges[i].from);
    if (home + unused[home] > i) continue;  // walked already
    loop.clear();
    int64_t vertex = edges[i].from;
    do {
      loop.push_back(vertex);
      const size_t at = group(vertex);
      vertex = edges[at + unused[at]++].to;
    } while (vertex != edges[i].from);
    fill(loop, 0, loop.size() - 1, caps.faces);
  }
  return caps;
}

}  // namespace svr3d
