// Two vectors as one sequence: its halves interleaved, and taken apart again.
#pragma once

#include "cpu/simd/mask.h"
#include "cpu/simd/vec.h"

namespace striate::cpu {
namespace {

#if defined(__clang__)
#define STRIATE_SHUFFLE(...) {__builtin_shufflevector(a.raw, b.raw, __VA_ARGS__)}
#else
#define STRIATE_SHUFFLE(...) {__builtin_shuffle(a.raw, b.raw, typename Vec<T>::RawInt{__VA_ARGS__})}
#endif

// a0 b0 a1 b1 ...: the first half of it.
template <class T>
STRIATE_INLINE Vec<T> interleave_low(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::lanes == 2)
    return STRIATE_SHUFFLE(0, 2);
  else if constexpr (Vec<T>::lanes == 4)
    return STRIATE_SHUFFLE(0, 4, 1, 5);
  else if constexpr (Vec<T>::lanes == 8)
    return STRIATE_SHUFFLE(0, 8, 1, 9, 2, 10, 3, 11);
  else
    return STRIATE_SHUFFLE(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// The second half.
template <class T>
STRIATE_INLINE Vec<T> interleave_high(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::lanes == 2)
    return STRIATE_SHUFFLE(1, 3);
  else if constexpr (Vec<T>::lanes == 4)
    return STRIATE_SHUFFLE(2, 6, 3, 7);
  else if constexpr (Vec<T>::lanes == 8)
    return STRIATE_SHUFFLE(4, 12, 5, 13, 6, 14, 7, 15);
  else
    return STRIATE_SHUFFLE(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// Of the sequence a, b: elements 0, 2, 4, ...
template <class T>
STRIATE_INLINE Vec<T> take_even(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::lanes == 2)
    return STRIATE_SHUFFLE(0, 2);
  else if constexpr (Vec<T>::lanes == 4)
    return STRIATE_SHUFFLE(0, 2, 4, 6);
  else if constexpr (Vec<T>::lanes == 8)
    return STRIATE_SHUFFLE(0, 2, 4, 6, 8, 10, 12, 14);
  else
    return STRIATE_SHUFFLE(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

// Elements 1, 3, 5, ...
template <class T>
STRIATE_INLINE Vec<T> take_odd(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::lanes == 2)
    return STRIATE_SHUFFLE(1, 3);
  else if constexpr (Vec<T>::lanes == 4)
    return STRIATE_SHUFFLE(1, 3, 5, 7);
  else if constexpr (Vec<T>::lanes == 8)
    return STRIATE_SHUFFLE(1, 3, 5, 7, 9, 11, 13, 15);
  else
    return STRIATE_SHUFFLE(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
#undef STRIATE_SHUFFLE

// `count` vectors, a power of two, each of one row: from row after row to element 0 of every row,
// then element 1 of every row, and so on.
template <int count, class T>
STRIATE_INLINE void interleave_rows(Vec<T> (&v)[count]) {
#pragma GCC unroll 4
  for (int round = 1; round < count; round *= 2) {
    Vec<T> next[count];
#pragma GCC unroll 8
    for (int i = 0; i < count / 2; ++i) {
      next[2 * i] = interleave_low(v[i], v[i + count / 2]);
      next[2 * i + 1] = interleave_high(v[i], v[i + count / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) v[i] = next[i];
  }
}

// And back.
template <int count, class T>
STRIATE_INLINE void separate_rows(Vec<T> (&v)[count]) {
#pragma GCC unroll 4
  for (int round = 1; round < count; round *= 2) {
    Vec<T> next[count];
#pragma GCC unroll 8
    for (int i = 0; i < count / 2; ++i) {
      next[i] = take_even(v[2 * i], v[2 * i + 1]);
      next[i + count / 2] = take_odd(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) v[i] = next[i];
  }
}

// Lanes begin to end - 1 of vectors, the others zero; any begin and end.
template <class T>
class LaneRange {
 public:
  STRIATE_INLINE LaneRange(int64_t begin, int64_t end)
      : begin_(static_cast<int>(begin < 0       ? 0
                                : begin < lanes ? begin
                                                : lanes)),
        end_(static_cast<int>(end < begin_  ? begin_
                              : end < lanes ? end
                                            : lanes)) {
#if defined(__AVX512F__)
    mask_ = ((uint32_t{1} << end_) - 1) & ~((uint32_t{1} << begin_) - 1);
#elif defined(__AVX2__)
    const Mask<T> inside = {first_lanes<T>(end_).raw & ~first_lanes<T>(begin_).raw};
    mask_ = (__m256i)inside.raw;
#endif
  }
  // Reads nothing outside of them.
  STRIATE_INLINE Vec<T> load(const T* p) const {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      return {(Raw<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), p)};
    else
      return {(Raw<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), p)};
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      return {(Raw<T>)_mm256_maskload_ps(p, mask_)};
    else
      return {(Raw<T>)_mm256_maskload_pd(p, mask_)};
#else
    if (begin_ == 0 && end_ == lanes) return Vec<T>::load(p);
    T lane[lanes] = {};
    for (int i = begin_; i < end_; ++i) lane[i] = p[i];
    return Vec<T>::load(lane);
#endif
  }

 private:
  static constexpr int lanes = Vec<T>::lanes;
  int begin_, end_;
#if defined(__AVX512F__)
  uint32_t mask_;
#elif defined(__AVX2__)
  __m256i mask_;
#endif
};

}  // namespace
}  // namespace striate::cpu
