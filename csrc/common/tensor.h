// SPDX-License-Identifier: Apache-2.0
// The one place where torch's stable C++ interface is included.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace svr3d {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

inline std::string shape_text(const Tensor& tensor) {
  std::string text = "(";
  for (int64_t i = 0; i < tensor.dim(); ++i)
    text += (i ? ", " : "") + std::to_string(tensor.size(i));
  return text + ")";
}

// Checks one argument; in `shape`, -1 stands for any size. The Python functions
// check first and raise ValueError; this guards direct calls of torch.ops.svr3d.
inline void check_tensor(const Tensor& tensor, const char* name, ScalarType type,
                         std::initializer_list<int64_t> shape) {
  STD_TORCH_CHECK(tensor.is_cpu(), name, " must be a CPU tensor");
  STD_TORCH_CHECK(tensor.scalar_type() == type, name, " must have dtype ",
                  torch::headeronly::toString(type), ", found ",
                  torch::headeronly::toString(tensor.scalar_type()));
  bool ok = tensor.dim() == static_cast<int64_t>(shape.size());
  int64_t axis = 0;
  std::string expected = "(";
  for (int64_t size : shape) {
    ok = ok && (size < 0 || tensor.size(axis) == size);
    expected += (axis++ ? ", " : "") + (size < 0 ? "*" : std::to_string(size));
  }
  STD_TORCH_CHECK(ok, name, " must have shape ", expected, "), found ",
                  shape_text(tensor));
}

// Guards against reads outside the vertex array.
inline void check_faces(const Tensor& faces, int64_t num_vertices) {
  const int64_t* index = faces.const_data_ptr<int64_t>();
  const int64_t count = faces.numel();
  int64_t low = 0, high = -1;
  for (int64_t i = 0; i < count; ++i) {
    low = index[i] < low ? index[i] : low;
    high = index[i] > high ? index[i] : high;
  }
  STD_TORCH_CHECK(low >= 0 && high < num_vertices,
                  "faces must index vertices 0 to ", num_vertices - 1,
                  ", found ", low < 0 ? low : high);
}

inline Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape,
                         ScalarType type) {
  return torch::stable::new_empty(
      like, torch::headeronly::IntHeaderOnlyArrayRef(shape.begin(), shape.size()),
      type);
}

}  // namespace svr3d
