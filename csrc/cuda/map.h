// Elementwise kernels: f of one array or two, 16 bytes at a time.
#pragma once

#include "cuda/lane.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// y[i] = f(x[i]). Arrays that are not aligned go element by element.
template <class T, class F>
__global__ void map1_kernel(int64_t count, T* __restrict__ y, F f, const T* __restrict__ x) {
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(y) && is_aligned(x);
  for (int64_t i = thread_index() * size; i < count; i += thread_count() * size) {
    const bool whole = aligned && i + size <= count;
    Pack<T> pack = load_pack(x + i, count - i, whole);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) pack.at[k] = f(Lane<T>{pack.at[k]}).value;
    store_pack(y + i, pack, count - i, whole);
  }
}

// y[i] = f(a[i], b[i])
template <class T, class F>
__global__ void map2_kernel(int64_t count, T* __restrict__ y, F f, const T* __restrict__ a,
                            const T* __restrict__ b) {
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(y) && is_aligned(a) && is_aligned(b);
  for (int64_t i = thread_index() * size; i < count; i += thread_count() * size) {
    const bool whole = aligned && i + size <= count;
    Pack<T> pack = load_pack(a + i, count - i, whole);
    const Pack<T> other = load_pack(b + i, count - i, whole);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) pack.at[k] = f(Lane<T>{pack.at[k]}, Lane<T>{other.at[k]}).value;
    store_pack(y + i, pack, count - i, whole);
  }
}

// Blocks that go through `count` elements in packs.
template <class T>
int64_t blocks_of_packs(int64_t count) {
  return blocks_for(ceil_div(count, Pack<T>::size));
}

template <class T, class F>
void map(const char* what, int64_t count, T* y, const Context& context, const F& f, const T* x) {
  launch(what, map1_kernel<T, F>, blocks_of_packs<T>(count), kThreads, 0, context, count, y, f, x);
}

template <class T, class F>
void map(const char* what, int64_t count, T* y, const Context& context, const F& f, const T* a,
         const T* b) {
  launch(what, map2_kernel<T, F>, blocks_of_packs<T>(count), kThreads, 0, context, count, y, f, a,
         b);
}

}  // namespace
}  // namespace striate::cuda
