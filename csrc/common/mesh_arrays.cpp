// SPDX-License-Identifier: Apache-2.0
#include "mesh_arrays.h"

#include <algorithm>
#include <atomic>

#include "counting_sort.h"

namespace svr3d {
namespace {

constexpr int64_t kChunk = 1 << 16;

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

// Boxes of four points at a time, for the lanes' sake.
template <typename T>
SVR3D_HD void scan_box(const T* points, int64_t count, T* low, T* high) {
  T least[12], most[12];
  for (int k = 0; k < 12; ++k) least[k] = most[k] = points[k % 3];
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    SVR3D_VECTORIZE
    for (int k = 0; k < 12; ++k) {
      const T value = points[3 * i + k];
      least[k] = value < least[k] ? value : least[k];
      most[k] = value > most[k] ? value : most[k];
    }
  }
  for (; i < count; ++i)
    for (int k = 0; k < 3; ++k) {
      least[k] = std::min(least[k], points[3 * i + k]);
      most[k] = std::max(most[k], points[3 * i + k]);
    }
  for (int k = 0; k < 3; ++k) {
    low[k] = least[k];
    high[k] = most[k];
    for (int lane = 3 + k; lane < 12; lane += 3) {
      low[k] = std::min(low[k], least[lane]);
      high[k] = std::max(high[k], most[lane]);
    }
  }
}

SVR3D_CLONES bool fit(const int32_t* index, int64_t count, int64_t limit) {
  return scan_indices(index, count, limit);
}
SVR3D_CLONES bool fit(const int64_t* index, int64_t count, int64_t limit) {
  return scan_indices(index, count, limit);
}
SVR3D_CLONES bool finite(const float* values, int64_t count) {
  return scan_values(values, count);
}
SVR3D_CLONES bool finite(const double* values, int64_t count) {
  return scan_values(values, count);
}
SVR3D_CLONES void box(const float* points, int64_t count, float* low, float* high) {
  scan_box(points, count, low, high);
}
SVR3D_CLONES void box(const double* points, int64_t count, double* low, double* high) {
  scan_box(points, count, low, high);
}

template <typename Check>
bool all_chunks(int64_t count, const Check& check) {
  std::atomic<bool> good{true};
  for_chunks(count, num_chunks(count, kChunk), [&](int64_t, int64_t begin, int64_t end) {
    if (!check(begin, end)) good = false;
  });
  return good;
}

}  // namespace

template <typename I>
bool indices_fit(const I* index, int64_t count, int64_t limit) {
  return all_chunks(count, [&](int64_t begin, int64_t end) {
    return fit(index + begin, end - begin, limit);
  });
}

template <typename T>
bool all_finite(const T* values, int64_t count) {
  return all_chunks(count, [&](int64_t begin, int64_t end) {
    return finite(values + begin, end - begin);
  });
}

template <typename T>
void bounds(const T* points, int64_t count, T* low, T* high) {
  const int64_t chunks = num_chunks(count, kChunk);
  std::vector<T> boxes(6 * chunks);
  for_chunks(count, chunks, [&](int64_t chunk, int64_t begin, int64_t end) {
    T* own = boxes.data() + 6 * chunk;
    box(points + 3 * begin, end - begin, own, own + 3);
  });
  std::copy_n(boxes.data(), 3, low);
  std::copy_n(boxes.data() + 3, 3, high);
  for (int64_t chunk = 1; chunk < chunks; ++chunk)
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], boxes[6 * chunk + k]);
      high[k] = std::max(high[k], boxes[6 * chunk + 3 + k]);
    }
}

template bool indices_fit(const int32_t*, int64_t, int64_t);
template bool indices_fit(const int64_t*, int64_t, int64_t);
template bool all_finite(const float*, int64_t);
template bool all_finite(const double*, int64_t);
template void bounds(const float*, int64_t, float*, float*);
template void bounds(const double*, int64_t, double*, double*);

}  // namespace svr3d
