// What losses over class labels share.
#pragma once

#include "core/spec/loss.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

// The divisor of the mean: the weights of the labels that count.
template <class T>
STRIATE_INLINE double label_weight_sum(const CrossEntropyProblem& p, const T* weight,
                                       const int64_t* labels) {
  double sum = 0;
  for (int64_t i = 0; i < p.batch * p.positions; ++i)
    if (labels[i] != p.ignore_index) sum += weight == nullptr ? 1 : weight[labels[i]];
  return sum;
}

}  // namespace
}  // namespace striate::cpu
