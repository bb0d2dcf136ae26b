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

}  // namespace
}  // namespace striate::cpu
