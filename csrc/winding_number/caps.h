// SPDX-License-Identifier: Apache-2.0
// What an open mesh lacks to be closed.
#pragma once

#include <cstdint>
#include <vector>

namespace svr3d {

// Triangles that close a mesh, as indices of its own vertices.
struct Caps {
  int64_t boundary = 0;        // edges that the mesh leaves open
  std::vector<int64_t> faces;  // three corners each
};

// Closes every boundary loop. A loop is halved again and again, so that the triangles
// along it are small, as an expansion that is good from afar likes them. Gives up, with
// no faces, if more than `most` edges are open.
Caps close_mesh(const int64_t* faces, int64_t num_faces, int64_t num_vertices,
                int64_t most);

}  // namespace svr3d
