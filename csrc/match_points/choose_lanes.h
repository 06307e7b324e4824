// SPDX-License-Identifier: Apache-2.0
// The scan of one bid, over a row of costs. Included once per instruction set, like
// lanes.h.

// `next` is the row of the next bid, which is fetched meanwhile: the rows of a large
// cloud fit no near cache, and follow one another in no order.
inline Choice choose(const float* costs, const float* next, const float* prices,
                     int64_t padded) {
  using L = Lanes<float>;
  // Two chains hide the latency of minima; where sixteen lanes take several registers,
  // these are the chains.
  constexpr int kWidth = 16, kChains = SVR3D_LANE_BYTES == 64 ? 2 : 1;
  int32_t numbers[kWidth];
  for (int i = 0; i < kWidth; ++i) numbers[i] = i;
  L::Value best[kChains], second[kChains];
  L::Index object[kChains], at[kChains];
  for (int c = 0; c < kChains; ++c) {
    best[c] = second[c] = L::splat(kNoCost);
    object[c] = L::splat_index(INT32_MAX);
    at[c] = L::add(L::load_index(numbers), L::splat_index(c * kWidth));
  }
  const L::Index step = L::splat_index(kChains * kWidth);
  for (int64_t j = 0; j < padded; j += kChains * kWidth) {
    for (int c = 0; c < kChains; ++c) {
      prefetch(next + j + c * kWidth);
      const L::Value value =
          L::load(costs + j + c * kWidth) + L::load(prices + j + c * kWidth);
      const L::Mask better = L::less(value, best[c]);
      second[c] = L::smaller(second[c], L::larger(best[c], value));
      best[c] = L::smaller(best[c], value);
      object[c] = L::pick(better, at[c], object[c]);
      at[c] = L::add(at[c], step);
    }
  }
  // Halves the lanes until one is left: as merge() does, but many at a time.
  constexpr int kAll = kWidth * kChains;
  float firsts[kAll], seconds[kAll];
  int32_t objects[kAll];
  for (int c = 0; c < kChains; ++c) {
    L::store(firsts + c * kWidth, best[c]);
    L::store(seconds + c * kWidth, second[c]);
    L::store_index(objects + c * kWidth, object[c]);
  }
  for (int half = kAll / 2; half > 0; half /= 2) {
    SVR3D_VECTORIZE
    for (int i = 0; i < half; ++i) {
      const float a = firsts[i], b = firsts[i + half];
      const int32_t from = objects[i], to = objects[i + half];
      const float low = seconds[i] < seconds[i + half] ? seconds[i] : seconds[i + half];
      const float lost = a < b ? b : a;
      const int32_t lower = from < to ? from : to;
      objects[i] = a < b ? from : (b < a ? to : lower);
      firsts[i] = a < b ? a : b;
      seconds[i] = low < lost ? low : lost;
    }
  }
  return {firsts[0], seconds[0], objects[0]};
}
