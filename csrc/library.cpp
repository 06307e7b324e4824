// SPDX-License-Identifier: Apache-2.0
// All schemas of the extension. The kernels register themselves, each in its own
// file, for the dispatch key of its device.
#include <Python.h>

#include <string>

#include "common/tensor.h"

namespace svr3d {
namespace {

// "<torch of the build>|<svr3d version>|<1 if CUDA kernels are in>"
std::string build_info() {
#ifdef SVR3D_WITH_CUDA
  return SVR3D_TORCH_VERSION "|" SVR3D_VERSION "|1";
#else
  return SVR3D_TORCH_VERSION "|" SVR3D_VERSION "|0";
#endif
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY(svr3d, m) {
  m.def("build_info() -> str");
  m.def(
      "rasterize_meshes(Tensor vertices, Tensor faces, Tensor extrinsics, "
      "Tensor intrinsics, SymInt height, SymInt width, float near, float far, "
      "bool cull_backfaces) -> (Tensor face_index, Tensor depth, "
      "Tensor barycentric)");
  m.def(
      "winding_number(Tensor vertices, Tensor faces, Tensor points, float beta, "
      "bool exact) -> Tensor");
  m.def("points_inside(Tensor vertices, Tensor faces, Tensor points) -> Tensor");
  m.def(
      "voxelize_surface(Tensor vertices, Tensor faces, SymInt resolution) "
      "-> Tensor");
  m.def(
      "render_colors(Tensor vertices, Tensor faces, Tensor extrinsics, "
      "Tensor intrinsics, Tensor corner_colors, Tensor corner_uv, "
      "Tensor face_texture, Tensor texels, Tensor texture_sizes, SymInt height, "
      "SymInt width, SymInt supersample, float ambient, float near) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CompositeExplicitAutograd, m) {
  m.impl("build_info", TORCH_BOX(&svr3d::build_info));
}

// The module is empty: importing it runs the registrations above.
extern "C" PyMODINIT_FUNC PyInit__C(void) {
  static PyModuleDef module = {
      PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr,
      nullptr,               nullptr, nullptr, nullptr};
  return PyModule_Create(&module);
}
