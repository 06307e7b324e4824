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

// Keys of items that key_of(item) tells one by one.
template <typename KeyOf>
auto each_key(const KeyOf& key_of) {
  return [key_of](int64_t begin, int64_t end, int32_t* keys) {
    for (int64_t i = begin; i < end; ++i) keys[i - begin] = key_of(i);
  };
}

// Sorts items by a key in [0, num_keys]; the last one is of items to be dropped, which
// come last. Equal keys keep their order, so that the result does not depend on the
// number of threads.
class CountingSort {
 public:
  // fill_keys(begin, end, keys) writes the keys of some items.
  template <typename FillKeys>
  CountingSort(int64_t count, int64_t num_keys, const FillKeys& fill_keys)
      : count_(count),
        num_keys_(num_keys),
        // No more counters than four per item, whatever the number of threads.
        chunks_(std::min(num_chunks(count, 4096),
                         1 + 4 * count / std::max<int64_t>(1, num_keys))),
        keys_(new int32_t[count]),
        next_(new int32_t[chunks_ * (num_keys + 1)]),
        start_(num_keys + 1) {
    const int64_t stride = num_keys + 1;
    for_chunks(count, chunks_, [&](int64_t chunk, int64_t begin, int64_t end) {
      int32_t* counts = next_.get() + chunk * stride;
      std::fill_n(counts, stride, 0);
      for (int64_t first = begin; first < end; first += kBlock) {
        const int64_t last = std::min(first + kBlock, end);
        fill_keys(first, last, keys_.get() + first);
        for (int64_t i = first; i < last; ++i) ++counts[keys_[i]];
      }
    });
    int32_t total = 0;
    for (int64_t key = 0; key < stride; ++key) {
      start_[key] = total;
      for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
        int32_t& counter = next_[chunk * stride + key];
        const int32_t own = counter;
        counter = total;
        total += own;
      }
    }
  }

  // Items with key k take the places [start[k], start[k + 1]).
  const std::vector<int32_t>& start() const { return start_; }
  // Where the items to be dropped begin.
  int64_t kept() const { return start_[num_keys_]; }

  // Calls put(item, place) for each item, those to be dropped too; at most once.
  template <typename Put>
  void place(const Put& put) {
    for_chunks(count_, chunks_, [&](int64_t chunk, int64_t begin, int64_t end) {
      int32_t* next = next_.get() + chunk * (num_keys_ + 1);
      for (int64_t i = begin; i < end; ++i) put(i, next[keys_[i]]++);
    });
  }

 private:
  static constexpr int64_t kBlock = 1024;
  int64_t count_, num_keys_, chunks_;
  std::unique_ptr<int32_t[]> keys_, next_;
  std::vector<int32_t> start_;
};

}  // namespace svr3d
