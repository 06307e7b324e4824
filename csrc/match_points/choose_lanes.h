// SPDX-License-Identifier: Apache-2.0
// The scan of one bid, over a row of costs. Included once per instruction set, like
// lanes.h.

inline Choice choose(const float* costs, const float* prices, int64_t padded) {
  using L = Lanes<float>;
  constexpr int kWidth = 16, kChains = 2;  // two chains hide the latency of minima
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
      const L::Value value =
          L::load(costs + j + c * kWidth) + L::load(prices + j + c * kWidth);
      const L::Mask better = L::less(value, best[c]);
      second[c] = L::smaller(second[c], L::larger(best[c], value));
      best[c] = L::smaller(best[c], value);
      object[c] = L::pick(better, at[c], object[c]);
      at[c] = L::add(at[c], step);
    }
  }
  Choice choice = no_choice();
  for (int c = 0; c < kChains; ++c) {
    float firsts[kWidth], seconds[kWidth];
    int32_t objects[kWidth];
    L::store(firsts, best[c]);
    L::store(seconds, second[c]);
    L::store_index(objects, object[c]);
    for (int i = 0; i < kWidth; ++i)
      choice = merge(choice, Choice{firsts[i], seconds[i], objects[i]});
  }
  return choice;
}
