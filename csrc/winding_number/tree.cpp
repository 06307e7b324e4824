// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../common/counting_sort.h"

namespace svr3d {
namespace {

constexpr double kTwoPi = 6.283185307179586477;
constexpr size_t kSubtrees = 32;
constexpr int32_t kSubtreeFaces = 2048;

struct Box {
  double low[3] = {1e300, 1e300, 1e300};
  double high[3] = {-1e300, -1e300, -1e300};
  void add(const double* p) {
    for (int i = 0; i < 3; ++i) {
      low[i] = std::min(low[i], p[i]);
      high[i] = std::max(high[i], p[i]);
    }
  }
};

Vec3<double> area_vector(const double* c) {
  return cross(load3(c + 3) - load3(c), load3(c + 6) - load3(c)) * 0.5;
}

// Moments of the triangles order[0..count) about their area-weighted centroid.
Moments moments(const double* corners, const int32_t* order, int64_t count) {
  Moments m;
  Box box;
  for (int64_t i = 0; i < count; ++i) {
    const double* c = corners + 9 * int64_t(order[i]);
    const Vec3<double> a = area_vector(c);
    const double area = std::sqrt(dot(a, a));
    m.area += area;
    for (int k = 0; k < 3; ++k) {
      m.centre[k] += area * (c[k] + c[3 + k] + c[6 + k]) / 3;
      box.add(c + 3 * k);
    }
  }
  for (int k = 0; k < 3; ++k)
    m.centre[k] =
        m.area > 0 ? m.centre[k] / m.area : (box.low[k] + box.high[k]) / 2;
  for (int64_t n = 0; n < count; ++n) {
    const double* c = corners + 9 * int64_t(order[n]);
    const Vec3<double> vector = area_vector(c);
    const double a[3] = {vector.x, vector.y, vector.z};
    double d[3][3], sum[3];  // corners about the centre
    for (int v = 0; v < 3; ++v)
      for (int k = 0; k < 3; ++k) d[v][k] = c[3 * v + k] - m.centre[k];
    for (int k = 0; k < 3; ++k) sum[k] = d[0][k] + d[1][k] + d[2][k];
    for (int j = 0; j < 3; ++j) {
      m.first[j] += a[j];
      for (int i = 0; i < 3; ++i) m.second[i][j] += a[i] * sum[j] / 3;
      for (int k = 0; k < 3; ++k) {
        // Mean of d_j d_k over the triangle.
        const double mean = (d[0][j] * d[0][k] + d[1][j] * d[1][k] +
                             d[2][j] * d[2][k] + sum[j] * sum[k]) /
                            12;
        for (int i = 0; i < 3; ++i) m.third[i][j][k] += a[i] * mean;
      }
    }
  }
  return m;
}

// Adds a child's moments, moved to the parent's centre.
void add_moved(const Moments& child, Moments& parent) {
  double s[3];
  for (int k = 0; k < 3; ++k) s[k] = child.centre[k] - parent.centre[k];
  for (int i = 0; i < 3; ++i) {
    parent.first[i] += child.first[i];
    for (int j = 0; j < 3; ++j) {
      parent.second[i][j] += child.second[i][j] + child.first[i] * s[j];
      for (int k = 0; k < 3; ++k)
        parent.third[i][j][k] += child.third[i][j][k] + child.second[i][j] * s[k] +
                                 child.second[i][k] * s[j] +
                                 child.first[i] * s[j] * s[k];
    }
  }
}

Moments merged(const Moments& left, const Moments& right) {
  Moments m;
  m.area = left.area + right.area;
  for (int k = 0; k < 3; ++k)
    m.centre[k] = m.area > 0 ? (left.area * left.centre[k] +
                                right.area * right.centre[k]) / m.area
                             : (left.centre[k] + right.centre[k]) / 2;
  add_moved(left, m);
  add_moved(right, m);
  return m;
}

// Distance from a centre to the farthest corner of the triangles.
double reach(const double* centre, const double* corners, const int32_t* order,
             int64_t count) {
  double most = 0;
  for (int64_t n = 0; n < count; ++n) {
    const double* c = corners + 9 * int64_t(order[n]);
    for (int v = 0; v < 9; v += 3) {
      const double x = c[v] - centre[0], y = c[v + 1] - centre[1];
      const double z = c[v + 2] - centre[2];
      most = std::max(most, x * x + y * y + z * z);
    }
  }
  return std::sqrt(most);
}

template <typename T>
FarField<T> far_field(const Moments& m, double radius) {
  FarField<T> f;
  f.radius = static_cast<T>(radius);
  auto s2 = [&](int i, int j) { return (m.second[i][j] + m.second[j][i]) / 2; };
  auto s3 = [&](int i, int j, int k) {
    return (m.third[i][j][k] + m.third[j][i][k] + m.third[k][i][j]) / 3;
  };
  for (int k = 0; k < 3; ++k) {
    f.centre[k] = static_cast<T>(m.centre[k]);
    f.first[k] = static_cast<T>(m.first[k]);
    f.second[k] = static_cast<T>(s2(k, k));
    f.third[k] = static_cast<T>(s3(k, k, k));
    double trace = 0;
    for (int i = 0; i < 3; ++i) trace += 2 * m.third[i][i][k] + m.third[k][i][i];
    f.third_trace[k] = static_cast<T>(trace);
  }
  f.second[3] = static_cast<T>(s2(0, 1));
  f.second[4] = static_cast<T>(s2(0, 2));
  f.second[5] = static_cast<T>(s2(1, 2));
  f.trace = static_cast<T>(m.second[0][0] + m.second[1][1] + m.second[2][2]);
  f.third[3] = static_cast<T>(s3(0, 0, 1));
  f.third[4] = static_cast<T>(s3(0, 0, 2));
  f.third[5] = static_cast<T>(s3(1, 1, 0));
  f.third[6] = static_cast<T>(s3(1, 1, 2));
  f.third[7] = static_cast<T>(s3(2, 2, 0));
  f.third[8] = static_cast<T>(s3(2, 2, 1));
  f.third[9] = static_cast<T>(s3(0, 1, 2));
  return f;
}

template <typename T>
SVR3D_HD void add_far(const FarField<T>& far, const Packet<T>& q, T* sum) {
  SVR3D_VECTORIZE
  for (int i = 0; i < kLanes; ++i)
    sum[i] += far_half_angle(far, q.x[i], q.y[i], q.z[i]);
}

template <typename T>
SVR3D_HD void add_exact(const T* c, const Packet<T>& q, T* sum) {
  SVR3D_VECTORIZE
  for (int i = 0; i < kLanes; ++i) {
    const Vec3<T> point = {q.x[i], q.y[i], q.z[i]};
    sum[i] += half_solid_angle(load3(c) - point, load3(c + 3) - point,
                               load3(c + 6) - point);
  }
}

template <typename T>
SVR3D_HD void add_watched(const T* c, const Packet<T>& q, T* sum, int32_t* doubtful) {
  SVR3D_VECTORIZE
  for (int i = 0; i < kLanes; ++i) {
    const Vec3<T> point = {q.x[i], q.y[i], q.z[i]};
    const TriangleView<T> view = view_triangle(
        load3(c) - point, load3(c + 3) - point, load3(c + 6) - point);
    sum[i] += half_solid_angle(view);
    doubtful[i] |= is_side_doubtful(view);
  }
}

SVR3D_CLONES void evaluate_far(const FarField<float>& f, const Packet<float>& q,
                               float* sum) {
  add_far(f, q, sum);
}
SVR3D_CLONES void evaluate_far(const FarField<double>& f, const Packet<double>& q,
                               double* sum) {
  add_far(f, q, sum);
}
SVR3D_CLONES void evaluate_exact(const float* corners, int64_t count,
                                 const Packet<float>& q, float* sum) {
  for (int64_t n = 0; n < count; ++n) add_exact(corners + 9 * n, q, sum);
}
SVR3D_CLONES void evaluate_exact(const double* corners, int64_t count,
                                 const Packet<double>& q, double* sum) {
  for (int64_t n = 0; n < count; ++n) add_exact(corners + 9 * n, q, sum);
}
SVR3D_CLONES void evaluate_watched(const float* corners, int64_t count,
                                   const Packet<float>& q, float* sum,
                                   int32_t* doubtful) {
  for (int64_t n = 0; n < count; ++n) add_watched(corners + 9 * n, q, sum, doubtful);
}
SVR3D_CLONES void evaluate_watched(const double* corners, int64_t count,
                                   const Packet<double>& q, double* sum,
                                   int32_t* doubtful) {
  for (int64_t n = 0; n < count; ++n) add_watched(corners + 9 * n, q, sum, doubtful);
}

// Nodes of a tree whose nodes are halved until their triangles fit a leaf.
int64_t num_nodes(int64_t count) {
  if (count <= kLeafSize) return 1;
  return 1 + num_nodes(count / 2) + num_nodes(count - count / 2);
}

}  // namespace

template <typename T>
WindingTree<T>::WindingTree(const double* corners, int64_t count, double beta,
                            bool exact)
    : beta_(beta), exact_(exact) {
  if (count == 0) return;
  Source source{corners, nullptr, std::unique_ptr<int32_t[]>(new int32_t[count])};
  std::iota(source.order.get(), source.order.get() + count, 0);
  const int64_t chunks = num_chunks(count, 4096);
  if (exact) {
    nodes_.resize(1);
  } else {
    source.centres.reset(new double[3 * count]);
    for_chunks(count, chunks, [&](int64_t, int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        for (int k = 0; k < 3; ++k)
          source.centres[3 * t + k] =
              corners[9 * t + k] + corners[9 * t + 3 + k] + corners[9 * t + 6 + k];
    });
    nodes_.resize(num_nodes(count));
  }
  nodes_[0].begin = 0;
  nodes_[0].end = static_cast<int32_t>(count);
  nodes_[0].left = -1;
  if (!exact) build_in_parallel(source);
  corners_.resize(9 * count);
  for_chunks(count, chunks, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int k = 0; k < 9; ++k)
        corners_[9 * i + k] = static_cast<T>(corners[9 * int64_t(source.order[i]) + k]);
  });
}

// Splits a node's triangles at their median into two children.
template <typename T>
void WindingTree<T>::split(int32_t index, int32_t left, const Source& source) {
  const int32_t begin = nodes_[index].begin, end = nodes_[index].end;
  int32_t* order = source.order.get();
  const double* centres = source.centres.get();
  Box box;
  for (int32_t i = begin; i < end; ++i) box.add(centres + 3 * int64_t(order[i]));
  int axis = 0;
  for (int k = 1; k < 3; ++k)
    if (box.high[k] - box.low[k] > box.high[axis] - box.low[axis]) axis = k;
  // The median keeps the depth logarithmic; ties go by index, so that the tree does
  // not depend on the standard library.
  const int32_t middle = begin + (end - begin) / 2;
  std::nth_element(order + begin, order + middle, order + end,
                   [&](int32_t a, int32_t b) {
                     const double u = centres[3 * int64_t(a) + axis];
                     const double v = centres[3 * int64_t(b) + axis];
                     return u < v || (u == v && a < b);
                   });
  nodes_[index].left = left;
  nodes_[left] = {{}, begin, middle, -1};
  nodes_[left + 1] = {{}, middle, end, -1};
}

template <typename T>
Moments WindingTree<T>::finish(int32_t index, const Moments& m, const Source& source) {
  Node& node = nodes_[index];
  node.far = far_field<T>(m, reach(m.centre, source.corners,
                                   source.order.get() + node.begin,
                                   node.end - node.begin));
  return m;
}

// Builds all below a node, whose descendants take the nodes from `next` on.
template <typename T>
Moments WindingTree<T>::build(int32_t index, int32_t& next, const Source& source) {
  const int32_t begin = nodes_[index].begin, end = nodes_[index].end;
  if (end - begin <= kLeafSize)
    return finish(
        index, moments(source.corners, source.order.get() + begin, end - begin), source);
  const int32_t left = next;
  next += 2;
  split(index, left, source);
  const Moments lower = build(left, next, source);
  return finish(index, merged(lower, build(left + 1, next, source)), source);
}

// The uppermost levels are split one after another, then threads share the subtrees,
// whose nodes lie one subtree behind the other; the same for any number of threads.
template <typename T>
void WindingTree<T>::build_in_parallel(const Source& source) {
  std::vector<int32_t> level(1, 0), upper;
  int32_t next = 1;
  while (level.size() < kSubtrees && nodes_[level[0]].end - nodes_[level[0]].begin >
                                         kSubtreeFaces) {
    std::vector<int32_t> children(2 * level.size());
    for (size_t n = 0; n < level.size(); ++n)
      for (int32_t c = 0; c < 2; ++c) children[2 * n + c] = next + 2 * n + c;
    const int64_t count = static_cast<int64_t>(level.size());
    torch::stable::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) split(level[n], children[2 * n], source);
    });
    upper.insert(upper.end(), level.begin(), level.end());
    next += static_cast<int32_t>(children.size());
    level.swap(children);
  }
  std::vector<int32_t> first(level.size());
  for (size_t n = 0; n < level.size(); ++n) {
    first[n] = next;
    next += static_cast<int32_t>(
        num_nodes(nodes_[level[n]].end - nodes_[level[n]].begin) - 1);
  }
  std::vector<Moments> found(static_cast<size_t>(level.back()) + 1);
  const int64_t count = static_cast<int64_t>(level.size());
  torch::stable::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      int32_t free = first[n];
      found[level[n]] = build(level[n], free, source);
    }
  });
  for (auto node = upper.rbegin(); node != upper.rend(); ++node) {
    const int32_t left = nodes_[*node].left;
    found[*node] = merged(found[left], found[left + 1]);
  }
  const int64_t above = static_cast<int64_t>(upper.size());
  torch::stable::parallel_for(0, above, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) finish(upper[n], found[upper[n]], source);
  });
}

template <typename T>
void WindingTree<T>::accumulate(const Packet<T>& packet, T* winding,
                                int32_t* doubtful) const {
  if (nodes_.empty()) return;
  T sum[kLanes] = {0};
  const auto add_faces = [&](int64_t begin, int64_t end) {
    const T* corners = corners_.data() + 9 * begin;
    if (doubtful)
      evaluate_watched(corners, end - begin, packet, sum, doubtful);
    else
      evaluate_exact(corners, end - begin, packet, sum);
  };
  if (exact_) {
    add_faces(0, nodes_[0].end);
  } else {
    T low[3], high[3];
    const T* axes[3] = {packet.x, packet.y, packet.z};
    for (int k = 0; k < 3; ++k) {
      low[k] = *std::min_element(axes[k], axes[k] + kLanes);
      high[k] = *std::max_element(axes[k], axes[k] + kLanes);
    }
    int32_t stack[64];
    int top = 0;
    stack[top++] = 0;
    while (top > 0) {
      const Node& node = nodes_[stack[--top]];
      // Squared distance from the packet's box to the expansion's centre.
      double distance = 0;
      for (int k = 0; k < 3; ++k) {
        const double c = node.far.centre[k];
        const double gap = std::max({low[k] - c, c - high[k], 0.0});
        distance += gap * gap;
      }
      const double reach = beta_ * node.far.radius;
      if (distance > reach * reach) {
        evaluate_far(node.far, packet, sum);
      } else if (node.left < 0) {
        add_faces(node.begin, node.end);
      } else {
        stack[top++] = node.left + 1;
        stack[top++] = node.left;
      }
    }
  }
  for (int i = 0; i < kLanes; ++i) winding[i] += sum[i] / static_cast<T>(kTwoPi);
}

template class WindingTree<float>;
template class WindingTree<double>;

}  // namespace svr3d
