// Sums and the like over the threads of a block, in an order that is always the same.
#pragma once

#include "cuda/lane.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// This thread's group of kLanes lanes, for the shuffles.
template <int kLanes>
__device__ __forceinline__ unsigned lanes_mask() {
  if (kLanes == 32) return 0xFFFFFFFFu;
  return ((1u << kLanes % 32) - 1) << (threadIdx.x % 32 / kLanes * kLanes);
}

// f(word) for each word of a value of any size.
template <class V, class F>
__device__ __forceinline__ V map_words(V value, const F& f) {
  static_assert(sizeof(V) % sizeof(uint32_t) == 0, "whole words");
  constexpr int words = sizeof(V) / sizeof(uint32_t);
  uint32_t word[words];
  memcpy(word, &value, sizeof value);
  STRIATE_UNROLL
  for (int i = 0; i < words; ++i) word[i] = f(word[i]);
  memcpy(&value, word, sizeof value);
  return value;
}

// Over groups of kLanes lanes, all of which must call it; the first lane has the result.
template <int kLanes = 32, class V, class Merge>
__device__ __forceinline__ V warp_reduce(V value, const Merge& merge) {
  const unsigned mask = lanes_mask<kLanes>();
  STRIATE_UNROLL
  for (unsigned delta = kLanes / 2; delta > 0; delta /= 2)
    value = merge(value, map_words(value, [&](uint32_t word) {
                    return __shfl_down_sync(mask, word, delta, kLanes);
                  }));
  return value;
}

// Every lane has the result.
template <int kLanes = 32, class V, class Merge>
__device__ __forceinline__ V warp_reduce_all(V value, const Merge& merge) {
  const unsigned mask = lanes_mask<kLanes>();
  return map_words(warp_reduce<kLanes>(value, merge),
                   [&](uint32_t word) { return __shfl_sync(mask, word, 0, kLanes); });
}

// Every thread has the result; the whole block must call it, whose size is a multiple of 32.
template <class V, class Merge>
__device__ __forceinline__ V block_reduce(V value, const Merge& merge) {
  __shared__ V part[32];
  value = warp_reduce(value, merge);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
  __syncthreads();
  V total = part[0];
  for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) total = merge(total, part[warp]);
  __syncthreads();  // before the next call writes to it
  return total;
}

struct Plus {
  template <class V>
  STRIATE_DEVICE V operator()(V a, V b) const {
    return a + b;
  }
};

// The greatest, NaN where there is one.
struct Greatest {
  template <class T>
  STRIATE_DEVICE T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

// Elements that a thread reads before it computes, so that enough of them are under way; of double
// fewer, because of registers.
template <class T>
constexpr int kBatch = 128 / static_cast<int>(sizeof(T));

// A sum of many numbers by one thread: in T for short stretches, then in double.
template <class T>
class LongSum {
 public:
  STRIATE_DEVICE void add(T x) {
    some_ += x;
    if (++count_ >= kStretch) flush();
  }
  template <int kCount>
  STRIATE_DEVICE void add(const T (&run)[kCount]) {
    static_assert(kStretch % kCount == 0, "as by single elements");
    STRIATE_UNROLL
    for (int k = 0; k < kCount; ++k) some_ += run[k];
    if ((count_ += kCount) >= kStretch) flush();
  }
  STRIATE_DEVICE double total() const { return all_ + static_cast<double>(some_); }
  // One that has this total.
  static STRIATE_DEVICE LongSum of(double total) {
    LongSum sum;
    sum.all_ = total;
    return sum;
  }

 private:
  static constexpr int kStretch = 32;
  STRIATE_DEVICE void flush() {
    all_ += static_cast<double>(some_);
    some_ = 0;
    count_ = 0;
  }
  double all_ = 0;
  T some_ = 0;
  int count_ = 0;
};

constexpr int kFinishThreads = 512;

// By a whole block, whose threads all have the result.
__device__ __forceinline__ double sum_of_parts(int64_t count, const double* part) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) sum += part[i];
  return block_reduce(sum, Plus{});
}

// *total = the sum of `count` parts / divisor, by one block. The divisor is a number, or the sum of
// an array where that is not null.
template <class T>
__global__ void finish_sum_kernel(int64_t count, const double* __restrict__ part, double divisor,
                                  const double* __restrict__ divisor_at, T* total) {
  const double sum = sum_of_parts(count, part);
  if (threadIdx.x == 0) *total = static_cast<T>(sum / (divisor_at ? *divisor_at : divisor));
}

template <class T>
void finish_sum(const char* what, int64_t count, const double* part, double divisor,
                const double* divisor_at, T* total, const Context& context) {
  launch(what, finish_sum_kernel<T>, 1, kFinishThreads, 0, context, count, part, divisor,
         divisor_at, total);
}

}  // namespace
}  // namespace striate::cuda
