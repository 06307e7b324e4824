// SPDX-License-Identifier: Apache-2.0
#include "mesh_arrays.h"

namespace svr3d {
namespace {

template <typename I>
SVR3D_HD bool scan_indices(const I* index, int64_t count, int64_t limit) {
  I low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = index[i] < low ? index[i] : low;
    high = index[i] > high ? index[i] : high;
  }
  return count == 0 || (low >= 0 && static_cast<int64_t>(high) < limit);
}

// Zero times a number is zero unless the number is infinite or NaN. Many sums, since
// the compiler may not reorder a single one.
template <typename T>
SVR3D_HD bool scan_values(const T* values, int64_t count) {
  constexpr int kSums = 16;
  T sums[kSums] = {0};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    SVR3D_VECTORIZE
    for (int k = 0; k < kSums; ++k) sums[k] += values[i + k] * T(0);
  }
  for (; i < count; ++i) sums[0] += values[i] * T(0);
  for (int k = 1; k < kSums; ++k) sums[0] += sums[k];
  return sums[0] == T(0);
}

}  // namespace

SVR3D_CLONES bool indices_fit(const int32_t* index, int64_t count, int64_t limit) {
  return scan_indices(index, count, limit);
}
SVR3D_CLONES bool indices_fit(const int64_t* index, int64_t count, int64_t limit) {
  return scan_indices(index, count, limit);
}
SVR3D_CLONES bool all_finite(const float* values, int64_t count) {
  return scan_values(values, count);
}
SVR3D_CLONES bool all_finite(const double* values, int64_t count) {
  return scan_values(values, count);
}

}  // namespace svr3d
