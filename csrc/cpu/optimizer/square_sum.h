// The squared norm of a stretch of numbers.
#pragma once

#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

// Added up in double, so that squares of float32 neither overflow nor get lost, in a fixed order.
template <class T>
STRIATE_INLINE double square_sum(const T* x, int64_t begin, int64_t end) {
  constexpr int64_t kSums = 16;
  double sum[kSums] = {};
  int64_t i = begin;
  for (; i + kSums <= end; i += kSums)
    for (int64_t j = 0; j < kSums; ++j)
      sum[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  for (int64_t j = 0; i + j < end; ++j)
    sum[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  for (int64_t width = kSums / 2; width > 0; width /= 2)
    for (int64_t j = 0; j < width; ++j) sum[j] += sum[j + width];
  return sum[0];
}

}  // namespace
}  // namespace striate::cpu
