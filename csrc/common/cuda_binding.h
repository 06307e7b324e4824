// SPDX-License-Identifier: Apache-2.0
// What the host files that bind CUDA kernels need: the current stream, and checks.
// Only files named *_cuda.cpp include this; builds without CUDA leave them out.
#pragma once

#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>

#include "tensor.h"

namespace svr3d {

// Makes a tensor's device current for the lifetime of the object, and names the
// stream that torch would use there.
class CudaScope {
 public:
  explicit CudaScope(const Tensor& tensor) : guard_(tensor.get_device_index()) {
    void* stream = nullptr;
    TORCH_ERROR_CODE_CHECK(
        aoti_torch_get_current_cuda_stream(tensor.get_device_index(), &stream));
    stream_ = static_cast<cudaStream_t>(stream);
  }
  cudaStream_t stream() const { return stream_; }

 private:
  torch::stable::accelerator::DeviceGuard guard_;
  cudaStream_t stream_ = nullptr;
};

// Reports a failed launch by the op's name; call after the last launch.
inline void check_launch(const char* op) {
  const cudaError_t error = cudaGetLastError();
  STD_TORCH_CHECK(error == cudaSuccess, "svr3d::", op, ": ",
                  cudaGetErrorString(error));
}

}  // namespace svr3d
