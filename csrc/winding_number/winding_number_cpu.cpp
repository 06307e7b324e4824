// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "../common/counting_sort.h"
#include "../common/packets.h"
#include "../points_in_mesh/count_crossings.h"
#include "caps.h"
#include "tree.h"

namespace svr3d {
namespace {

// Moves the triangles to the unit cube, where float has its precision, drops those
// without area, and returns the origin and scale that the points need.
std::array<double, 4> normalize(std::vector<double>& corners) {
  std::array<double, 4> frame = {0, 0, 0, 1};
  double extent = 0;
  for (int k = 0; k < 3 && !corners.empty(); ++k) {
    double low = corners[k], high = corners[k];
    for (size_t i = k; i < corners.size(); i += 3) {
      low = std::min(low, corners[i]);
      high = std::max(high, corners[i]);
    }
    frame[k] = (low + high) / 2;
    extent = std::max(extent, high - low);
  }
  frame[3] = extent > 0 ? 1 / extent : 1;
  size_t kept = 0;
  for (size_t i = 0; i < corners.size(); i += 9) {
    double* c = corners.data() + i;
    for (int k = 0; k < 9; ++k) c[k] = (c[k] - frame[k % 3]) * frame[3];
    const Vec3<double> u = load3(c + 3) - load3(c), v = load3(c + 6) - load3(c);
    const Vec3<double> n = cross(u, v);
    if (!(dot(n, n) > 1e-28 * dot(u, u) * dot(v, v))) continue;
    std::copy_n(c, 9, corners.data() + kept);
    kept += 9;
  }
  corners.resize(kept);
  return frame;
}

// If `doubtful` is given, it becomes 1 for points that may be on either side of a face.
template <typename T>
void run(std::vector<double> corners, const double* points, int64_t num_points,
         double beta, bool exact, double* out, uint8_t* doubtful = nullptr) {
  const std::array<double, 4> frame = normalize(corners);
  const WindingTree<T> tree(corners.data(), corners.size() / 9, beta, exact);
  const std::vector<int32_t> order = morton_order(points, num_points);
  const int64_t packets = (num_points + kLanes - 1) / kLanes;
  torch::stable::parallel_for(0, packets, 16, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      Packet<T> packet;
      T winding[kLanes] = {0};
      int32_t doubt[kLanes] = {0};
      const int64_t first = n * kLanes;
      for (int i = 0; i < kLanes; ++i) {
        // The last packet repeats its last point.
        const double* p = points + 3 * int64_t(order[std::min<int64_t>(
                                           first + i, num_points - 1)]);
        packet.x[i] = static_cast<T>((p[0] - frame[0]) * frame[3]);
        packet.y[i] = static_cast<T>((p[1] - frame[1]) * frame[3]);
        packet.z[i] = static_cast<T>((p[2] - frame[2]) * frame[3]);
      }
      tree.accumulate(packet, winding, doubtful ? doubt : nullptr);
      for (int i = 0; i < kLanes && first + i < num_points; ++i) {
        out[order[first + i]] = winding[i];
        if (doubtful) doubtful[order[first + i]] = static_cast<uint8_t>(doubt[i]);
      }
    }
  });
}

uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// Whether each edge is used as often in one direction as in the other, so that the mesh
// has no boundary. Two sums of pseudo-random numbers, one per edge, with the sign of
// its direction vanish then, and else but for one case in 2^128.
bool is_closed(const int64_t* face, int64_t count) {
  const int64_t chunks = num_chunks(count, 4096);
  std::vector<uint64_t> sums(2 * chunks);
  for_chunks(count, chunks, [&](int64_t chunk, int64_t begin, int64_t end) {
    uint64_t first = 0, second = 0;
    for (int64_t f = begin; f < end; ++f) {
      for (int side = 0; side < 3; ++side) {
        const uint64_t u = face[3 * f + side], v = face[3 * f + (side + 1) % 3];
        if (u == v) continue;
        const uint64_t low = u < v ? u : v, high = u < v ? v : u;
        const uint64_t edge = mix(low * 0x9E3779B97F4A7C15u + high);
        first += u < v ? edge : -edge;
        const uint64_t again = mix(edge + 0x9E3779B97F4A7C15u);
        second += u < v ? again : -again;
      }
    }
    sums[2 * chunk] = first;
    sums[2 * chunk + 1] = second;
  });
  for (int64_t chunk = 1; chunk < chunks; ++chunk)
    for (int k = 0; k < 2; ++k) sums[k] += sums[2 * chunk + k];
  return sums[0] == 0 && sums[1] == 0;
}

std::vector<double> corners_of(const double* vertices, const int64_t* faces,
                               int64_t count) {
  std::vector<double> corners(9 * count);
  for (int64_t i = 0; i < 3 * count; ++i)
    for (int k = 0; k < 3; ++k) corners[3 * i + k] = vertices[3 * faces[i] + k];
  return corners;
}

// Whole winding numbers of a closed mesh, by the faces that a line to a point crosses.
void count_whole(const Tensor& vertices, const Tensor& faces, const double* points,
                 int64_t count, double* out) {
  std::vector<int32_t> crossings(count);
  count_crossings(MeshArrays<double, int64_t>(vertices, faces), points, count,
                  crossings.data());
  std::copy(crossings.begin(), crossings.end(), out);
}

// An open mesh's winding number is that of the closed one, which is whole and quickly
// counted, less that of the caps, which are few. Both must see a point on the same side
// of a cap. One that is almost on a cap is looked at again in double precision; and as
// a flat cap may hold points exactly, all are moved by next to nothing, in a direction
// that no flat cap is likely to have.
void subtract_caps(const Tensor& vertices, const Tensor& faces, const Caps& caps,
                   const double* points, int64_t count, double beta, double* out) {
  const double* vertex = vertices.const_data_ptr<double>();
  double low[3], high[3], extent = 0;
  bounds(vertex, vertices.size(0), low, high);
  for (int k = 0; k < 3; ++k) extent = std::max(extent, high[k] - low[k]);
  const double step[3] = {0.5773e-9 * extent, 0.8147e-9 * extent, 0.3391e-9 * extent};
  std::vector<double> moved(3 * count);
  for (int64_t i = 0; i < 3 * count; ++i) moved[i] = points[i] + step[i % 3];
  const int64_t own = faces.size(0), more = static_cast<int64_t>(caps.faces.size()) / 3;
  Tensor closed = new_tensor(faces, {own + more, 3}, ScalarType::Long);
  int64_t* corner = closed.mutable_data_ptr<int64_t>();
  std::copy_n(faces.const_data_ptr<int64_t>(), 3 * own, corner);
  std::copy(caps.faces.begin(), caps.faces.end(), corner + 3 * own);
  const std::vector<double> cap_corners = corners_of(vertex, caps.faces.data(), more);
  std::vector<uint8_t> doubtful(count);
  run<float>(cap_corners, moved.data(), count, beta, false, out, doubtful.data());
  for (int64_t i = 0; i < count; ++i)
    if (doubtful[i])
      run<double>(cap_corners, moved.data() + 3 * i, 1, beta, true, out + i);
  std::vector<double> whole(count);
  count_whole(vertices, closed, moved.data(), count, whole.data());
  for (int64_t i = 0; i < count; ++i) out[i] = whole[i] - out[i];
}

Tensor winding_number(Tensor vertices, Tensor faces, Tensor points, double beta,
                      bool exact) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  check_tensor(points, "points", ScalarType::Double, {-1, 3});
  STD_TORCH_CHECK(beta >= 1, "beta must be at least 1, found ", beta);
  STD_TORCH_CHECK(faces.size(0) < INT32_MAX / 4 && points.size(0) < INT32_MAX,
                  "faces and points must fit 32-bit indices");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  points = torch::stable::contiguous(points);
  check_faces(faces, vertices.size(0));
  const double* vertex = vertices.const_data_ptr<double>();
  const int64_t* face = faces.const_data_ptr<int64_t>();
  const int64_t num_faces = faces.size(0), count = points.size(0);
  const double* point = points.const_data_ptr<double>();
  Tensor out = new_tensor(points, {count}, ScalarType::Double);
  double* data = out.mutable_data_ptr<double>();
  if (exact) {
    run<double>(corners_of(vertex, face, num_faces), point, count, beta, true, data);
    return out;
  }
  if (is_closed(face, num_faces)) {
    count_whole(vertices, faces, point, count, data);
    return out;
  }
  const Caps caps = close_mesh(face, num_faces, vertices.size(0), num_faces / 2);
  if (!caps.faces.empty())
    subtract_caps(vertices, faces, caps, point, count, beta, data);
  else
    run<float>(corners_of(vertex, face, num_faces), point, count, beta, false, data);
  return out;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("winding_number", TORCH_BOX(&svr3d::winding_number));
}
