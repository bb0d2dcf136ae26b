// Work on slices, one along an axis each: by a thread where the slices' elements lie apart, so that
// neighbouring threads have neighbouring slices, else by a warp or, for long ones, by a block.
#pragma once

#include "core/formula/exp_log.h"
#include "cuda/index.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

struct ThreadGroup {
  STRIATE_DEVICE int64_t rank() const { return 0; }
  STRIATE_DEVICE int64_t size() const { return 1; }
  template <class V, class Merge>
  STRIATE_DEVICE V reduce(V value, const Merge&) const {
    return value;
  }
  __device__ static int64_t first() { return thread_index(); }
  __device__ static int64_t count() { return thread_count(); }
};

struct WarpGroup {
  __device__ int64_t rank() const { return threadIdx.x % 32; }
  __device__ int64_t size() const { return 32; }
  template <class V, class Merge>
  __device__ V reduce(V value, const Merge& merge) const {
    return warp_reduce_all(value, merge);
  }
  __device__ static int64_t first() { return thread_index() / 32; }
  __device__ static int64_t count() { return thread_count() / 32; }
};

struct BlockGroup {
  __device__ int64_t rank() const { return threadIdx.x; }
  __device__ int64_t size() const { return blockDim.x; }
  template <class V, class Merge>
  __device__ V reduce(V value, const Merge& merge) const {
    return block_reduce(value, merge);
  }
  __device__ static int64_t first() { return blockIdx.x; }
  __device__ static int64_t count() { return gridDim.x; }
};

// Slices of (outer, classes, inner) along the middle axis.
struct Slices {
  int64_t count, classes, inner;
  Divisor inner_divisor;

  Slices(int64_t outer, int64_t class_count, int64_t inner_size)
      : count(outer * inner_size),
        classes(class_count),
        inner(inner_size),
        inner_divisor(inner_size, outer * inner_size) {}
  // Where slice i begins; its elements are `inner` apart.
  STRIATE_DEVICE int64_t begin(int64_t i) const {
    const Division d = divide(i, inner_divisor);
    return d.quotient * classes * inner + d.remainder;
  }
};

// f(group, slice, its first element's offset)
template <class Group, class F>
__global__ void slices_kernel(const __grid_constant__ Slices slices, const __grid_constant__ F f) {
  for (int64_t i = Group::first(); i < slices.count; i += Group::count())
    f(Group{}, i, slices.begin(i));
}

constexpr int64_t kLongSlice = 1024;

template <class F>
void for_each_slice(const char* what, const Slices& slices, const F& f, const Context& context) {
  if (slices.inner > 1)
    launch(what, slices_kernel<ThreadGroup, F>, blocks_for(slices.count), kThreads, 0, context,
           slices, f);
  else if (slices.classes <= kLongSlice)
    launch(what, slices_kernel<WarpGroup, F>, blocks_for(slices.count * 32), kThreads, 0, context,
           slices, f);
  else
    launch(what, slices_kernel<BlockGroup, F>, slices.count, kThreads, 0, context, slices, f);
}

// The greatest of a slice; NaN where it has one.
template <class T, class Group>
__device__ __forceinline__ T slice_max(const Group& group, const T* x, int64_t classes,
                                       int64_t step) {
  T top = static_cast<T>(-__builtin_inf());
  for (int64_t c = group.rank(); c < classes; c += group.size()) top = Greatest{}(top, x[c * step]);
  return group.reduce(top, Greatest{});
}

// The sum of term(c) over a slice.
template <class T, class Group, class Term>
__device__ __forceinline__ double slice_sum(const Group& group, int64_t classes, const Term& term) {
  LongSum<T> sum;
  for (int64_t c = group.rank(); c < classes; c += group.size()) sum.add(term(c));
  return group.reduce(sum.total(), Plus{});
}

template <class T>
STRIATE_DEVICE T exp_of(T x) {
  return formula::exp(Lane<T>{x}).value;
}

STRIATE_DEVICE double log_of(double x) { return formula::log(Lane<double>{x}).value; }

}  // namespace
}  // namespace striate::cuda
