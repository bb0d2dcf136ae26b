// What losses over class labels share.
#pragma once

#include "core/spec/loss.h"
#include "cuda/reduce.h"
#include "cuda/report.h"

namespace striate::cuda {
namespace {

constexpr int64_t kValuesPerBlock = 4096;

// The weight of a label that is a class; NaN for one that is none, after a report.
template <class T>
__device__ __forceinline__ double weight_of_label(const CrossEntropyProblem& p, const T* weight,
                                                  int64_t label, int64_t place, ValueFlag* flag,
                                                  const char* function) {
  if (label < 0 || label >= p.classes) {
    report(flag, ValueRule::label, function, place, label, p.classes);
    return __builtin_nan("");
  }
  return weight == nullptr ? 1 : static_cast<double>(weight[label]);
}

// part[b]: the sum of a block's values.
__global__ void sum_kernel(int64_t count, const double* __restrict__ values,
                           double* __restrict__ part) {
  for (int64_t b = blockIdx.x; b < ceil_div(count, kValuesPerBlock); b += gridDim.x) {
    const int64_t end = least((b + 1) * kValuesPerBlock, count);
    double sum = 0;
    for (int64_t i = b * kValuesPerBlock + threadIdx.x; i < end; i += blockDim.x) sum += values[i];
    sum = block_reduce(sum, Plus{});
    if (threadIdx.x == 0) part[b] = sum;
  }
}

// *total = the sum of the values / *divisor, which is 1 where that is null.
template <class T>
void sum_values(const char* what, int64_t count, const double* values, const double* divisor,
                T* total, const Context& context) {
  const int64_t blocks = ceil_div(count, kValuesPerBlock);
  if (blocks <= 1) return finish_sum(what, count, values, 1.0, divisor, total, context);
  const Scratch<double> part(context, blocks);
  launch(what, sum_kernel, blocks, kThreads, 0, context, count, values, part.data());
  finish_sum(what, blocks, part.data(), 1.0, divisor, total, context);
}

template <class T>
__global__ void label_weights_kernel(const __grid_constant__ CrossEntropyProblem p,
                                     const int64_t* __restrict__ labels,
                                     const T* __restrict__ weight, double* __restrict__ values,
                                     ValueFlag* flag, const char* function) {
  for (int64_t i = thread_index(); i < p.batch * p.positions; i += thread_count())
    values[i] =
        labels[i] == p.ignore_index ? 0 : weight_of_label(p, weight, labels[i], i, flag, function);
}

// *divisor: the weights of the labels that count. `values` is room for one for each.
template <class T>
void label_weight_sum(const char* function, const CrossEntropyProblem& p, const T* weight,
                      const int64_t* labels, double* values, double* divisor,
                      const Context& context) {
  const int64_t count = p.batch * p.positions;
  launch(function, label_weights_kernel<T>, blocks_for(count), kThreads, 0, context, p, labels,
         weight, values, value_flag(), function);
  sum_values<double>(function, count, values, nullptr, divisor, context);
}

}  // namespace
}  // namespace striate::cuda
