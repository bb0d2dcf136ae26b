// Elementwise kernels: f of one array or two, 16 bytes at a time.
#pragma once

#include "cuda/lane.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// Packs of each array that a thread reads before it computes: what a multiprocessor must have under
// way to keep the memory busy. They lie a block's width apart, so that a warp's accesses are
// contiguous.
constexpr int kPacks = 2;

// Elements of a block; its thread's pack k begins `pack_offset` further on.
template <class T>
__device__ __forceinline__ int64_t block_elements() {
  return int64_t{kPacks} * blockDim.x * Pack<T>::size;
}
template <class T>
__device__ __forceinline__ int64_t pack_offset(int k) {
  return (int64_t{k} * blockDim.x + threadIdx.x) * Pack<T>::size;
}

// This thread's packs of the block whose first element is `first`, of `count` in all.
template <class T>
__device__ __forceinline__ void load_packs(const T* p, int64_t first, int64_t count, bool aligned,
                                           Pack<T> (&packs)[kPacks]) {
  STRIATE_UNROLL
  for (int k = 0; k < kPacks; ++k) {
    const int64_t i = first + pack_offset<T>(k);
    packs[k] = load_pack(p + i, count - i, aligned && i + Pack<T>::size <= count);
  }
}
template <class T>
__device__ __forceinline__ void store_packs(T* p, int64_t first, int64_t count, bool aligned,
                                            const Pack<T> (&packs)[kPacks]) {
  STRIATE_UNROLL
  for (int k = 0; k < kPacks; ++k) {
    const int64_t i = first + pack_offset<T>(k);
    store_pack(p + i, packs[k], count - i, aligned && i + Pack<T>::size <= count);
  }
}

// y[i] = f(x[i]). Arrays that are not aligned go element by element.
template <class T, class F>
__global__ void map1_kernel(int64_t count, T* __restrict__ y, F f, const T* __restrict__ x) {
  const bool aligned = is_aligned(y) && is_aligned(x);
  const int64_t step = block_elements<T>();
  for (int64_t first = blockIdx.x * step; first < count; first += gridDim.x * step) {
    Pack<T> packs[kPacks];
    load_packs(x, first, count, aligned, packs);
    STRIATE_UNROLL
    for (int k = 0; k < kPacks; ++k) STRIATE_UNROLL
    for (int j = 0; j < Pack<T>::size; ++j) packs[k].at[j] = f(Lane<T>{packs[k].at[j]}).value;
    store_packs(y, first, count, aligned, packs);
  }
}

// y[i] = f(a[i], b[i])
template <class T, class F>
__global__ void map2_kernel(int64_t count, T* __restrict__ y, F f, const T* __restrict__ a,
                            const T* __restrict__ b) {
  const bool aligned = is_aligned(y) && is_aligned(a) && is_aligned(b);
  const int64_t step = block_elements<T>();
  for (int64_t first = blockIdx.x * step; first < count; first += gridDim.x * step) {
    Pack<T> packs[kPacks], others[kPacks];
    load_packs(a, first, count, aligned, packs);
    load_packs(b, first, count, aligned, others);
    STRIATE_UNROLL
    for (int k = 0; k < kPacks; ++k) STRIATE_UNROLL
    for (int j = 0; j < Pack<T>::size; ++j)
      packs[k].at[j] = f(Lane<T>{packs[k].at[j]}, Lane<T>{others[k].at[j]}).value;
    store_packs(y, first, count, aligned, packs);
  }
}

// Blocks of kThreads that go through `count` elements in packs, each once: the device deals them
// out, and none waits for the slowest of a last round.
template <class T>
int64_t blocks_of_packs(int64_t count) {
  return ceil_div(count, int64_t{kPacks} * kThreads * Pack<T>::size);
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
