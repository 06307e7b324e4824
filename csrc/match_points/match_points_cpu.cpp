// SPDX-License-Identifier: Apache-2.0
#include "match_points.h"

#include <algorithm>

#include "../common/tensor.h"
#include "auction.h"

namespace svr3d {
namespace {

void check_range(const Tensor& cloud, const char* name) {
  const float* value = cloud.const_data_ptr<float>();
  bool ok = true;
  for (int64_t i = 0; i < cloud.numel(); ++i)
    ok = ok && std::fabs(value[i]) <= kLargestCoordinate;
  STD_TORCH_CHECK(ok, name, " must hold finite numbers up to 1e15");
}

Tensor match_points(Tensor x, Tensor y, Tensor lengths, double tolerance,
                    bool squared) {
  check_tensor(x, "x", ScalarType::Float, {-1, -1, 3});
  const int64_t batch = x.size(0), size = x.size(1);
  check_tensor(y, "y", ScalarType::Float, {batch, size, 3});
  check_tensor(lengths, "lengths", ScalarType::Long, {batch});
  STD_TORCH_CHECK(size <= 1 << 16, "clouds may hold up to 65536 points");
  STD_TORCH_CHECK(tolerance > 0, "tolerance must be positive");
  x = torch::stable::contiguous(x);
  y = torch::stable::contiguous(y);
  lengths = torch::stable::contiguous(lengths);
  check_range(x, "x");
  check_range(y, "y");
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < batch; ++b)
    STD_TORCH_CHECK(length[b] >= 0 && length[b] <= size,
                    "lengths must lie between 0 and the number of points");
  Tensor matches = new_tensor(x, {batch, size}, ScalarType::Long);
  const float *from = x.const_data_ptr<float>(), *to = y.const_data_ptr<float>();
  int64_t* match = matches.mutable_data_ptr<int64_t>();
  torch::stable::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    Auction auction;
    for (int64_t b = begin; b < end; ++b) {
      const int64_t row = size * b;
      auction.run(from + 3 * row, to + 3 * row, length[b], tolerance, squared,
                  match + row);
      std::fill(match + row + length[b], match + row + size, int64_t{-1});
    }
  });
  return matches;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "match_points(Tensor x, Tensor y, Tensor lengths, float tolerance, "
      "bool squared) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("match_points", TORCH_BOX(&svr3d::match_points));
}
