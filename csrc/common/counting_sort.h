// SPDX-License-Identifier: Apache-2.0
// Work that threads share in chunks, and a stable counting sort made of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "tensor.h"

namespace svr3d {

// Number of chunks for `count` items: one per thread, of `least` items or more.
inline int64_t num_chunks(int64_t count, int64_t least) {
  const int64_t threads = torch::stable::get_num_threads();
  return std::max<int64_t>(1, std::min<int64_t>(threads, count / least));
}

// Calls run(chunk, begin, end) for equal shares of [0, count).
template <typename Run>
void for_chunks(int64_t count, int64_t chunks, const Run& run) {
  torch::stable::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c)
      run(c, count * c / chunks, count * (c + 1) / chunks);
  });
}

// Sorts items by a key in [0, num_keys); those with a negative key are dropped. Equal
// keys keep their order, so that the result does not depend on the number of threads.
class CountingSort {
 public:
  // key_of(item) is asked once per item.
  template <typename KeyOf>
  CountingSort(int64_t count, int64_t num_keys, const KeyOf& key_of)
      : count_(count),
        num_keys_(num_keys),
        // No more counters than four per item, whatever the number of threads.
        chunks_(std::min(num_chunks(count, 4096),
                         1 + 4 * count / std::max<int64_t>(1, num_keys))),
        keys_(new int32_t[count]),
        next_(new int32_t[chunks_ * num_keys]),
        start_(num_keys + 1) {
    for_chunks(count, chunks_, [&](int64_t chunk, int64_t begin, int64_t end) {
      int32_t* counts = next_.get() + chunk * num_keys;
      std::fill_n(counts, num_keys, 0);
      for (int64_t i = begin; i < end; ++i) {
        const int32_t key = key_of(i);
        keys_[i] = key;
        if (key >= 0) ++counts[key];
      }
    });
    int32_t total = 0;
    for (int64_t key = 0; key < num_keys; ++key) {
      start_[key] = total;
      for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
        int32_t& counter = next_[chunk * num_keys + key];
        const int32_t own = counter;
        counter = total;
        total += own;
      }
    }
    start_[num_keys] = total;
  }

  // Items with key k take the places [start[k], start[k + 1]).
  const std::vector<int32_t>& start() const { return start_; }
  int64_t kept() const { return start_[num_keys_]; }

  // Calls put(item, place) for each item that is kept; at most once.
  template <typename Put>
  void place(const Put& put) {
    for_chunks(count_, chunks_, [&](int64_t chunk, int64_t begin, int64_t end) {
      int32_t* next = next_.get() + chunk * num_keys_;
      for (int64_t i = begin; i < end; ++i)
        if (keys_[i] >= 0) put(i, next[keys_[i]]++);
    });
  }

 private:
  int64_t count_, num_keys_, chunks_;
  std::unique_ptr<int32_t[]> keys_, next_;
  std::vector<int32_t> start_;
};

}  // namespace svr3d
