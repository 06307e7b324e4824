// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "../common/cuda_binding.h"
#include "voxelize_parity_launch.h"

namespace svr3d {
namespace {

template <typename T, typename I>
void run(const Tensor& vertices, const Tensor& faces, const int64_t* first,
         int64_t meshes, int64_t resolution, Tensor& grid) {
  const CudaScope scope(vertices);
  const int64_t words = meshes * resolution * resolution * ((resolution + 63) / 64);
  Tensor bits = new_tensor(vertices, {words}, ScalarType::Long);
  auto* word = reinterpret_cast<unsigned long long*>(bits.mutable_data_ptr<int64_t>());
  cudaMemsetAsync(word, 0, 8 * words, scope.stream());
  launch_voxelize_parity(vertices.const_data_ptr<T>(), faces.const_data_ptr<I>(), first,
                         faces.size(0), meshes, static_cast<int>(resolution), word,
                         grid.mutable_data_ptr<uint8_t>(), scope.stream());
  check_launch("voxelize_parity");
}

// The Python function has checked faces and first_face, which lie on the device here;
// it always gives first_face.
Tensor voxelize_parity_cuda(Tensor vertices, Tensor faces,
                            std::optional<Tensor> first_face, int64_t resolution) {
  STD_TORCH_CHECK(first_face, "first_face is needed on this device");
  vertices = torch::stable::contiguous(vertices);
  faces = torch::stable::contiguous(faces);
  const Tensor bounds = torch::stable::contiguous(*first_face);
  const int64_t* first = bounds.const_data_ptr<int64_t>();
  const int64_t meshes = bounds.size(0) - 1;
  Tensor grid = new_tensor(vertices, {meshes, resolution, resolution, resolution},
                           ScalarType::Byte);
  const bool single = vertices.scalar_type() == ScalarType::Float;
  const bool narrow = faces.scalar_type() == ScalarType::Int;
  const auto kernel = single ? (narrow ? run<float, int32_t> : run<float, int64_t>)
                             : (narrow ? run<double, int32_t> : run<double, int64_t>);
  kernel(vertices, faces, first, meshes, resolution, grid);
  return grid;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CUDA, m) {
  m.impl("voxelize_parity", TORCH_BOX(&svr3d::voxelize_parity_cuda));
}
