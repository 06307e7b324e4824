// SPDX-License-Identifier: Apache-2.0
// The auction of one pair of clouds on the CPU.
#pragma once

#include <cstdint>
#include <vector>

namespace svr3d {

class Auction {
 public:
  // Matches point i of x with point matches[i] of y; both hold n points.
  void run(const float* x, const float* y, int64_t n, double tolerance, bool squared,
           int64_t* matches);

 private:
  void set_costs(const float* x, const float* y, bool squared);
  void bid(float epsilon);
  double total() const;

  int64_t n_ = 0, padded_ = 0;
  float largest_ = 0;
  std::vector<float> costs_, prices_;
  std::vector<int32_t> owner_, object_, queue_;
};

}  // namespace svr3d
