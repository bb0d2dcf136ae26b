// Two vectors that a formula takes at once. Where it is one long chain of operations, a processor
// finds too few of them to start; two chains that take turns keep it busy.
#pragma once

#include "cpu/simd/arithmetic.h"
#include "cpu/simd/exponent.h"
#include "cpu/simd/mask.h"

namespace striate::cpu {
namespace {

template <class T>
struct VecPair {
  static constexpr int lanes = 2 * Vec<T>::lanes;
  static constexpr bool fused = Vec<T>::fused;
  using Scalar = T;

  Vec<T> first, second;

  static STRIATE_INLINE VecPair set(T x) { return {Vec<T>::set(x), Vec<T>::set(x)}; }
  static STRIATE_INLINE VecPair zero() { return {Vec<T>::zero(), Vec<T>::zero()}; }
  static STRIATE_INLINE VecPair load(const T* p) {
    return {Vec<T>::load(p), Vec<T>::load(p + Vec<T>::lanes)};
  }
  STRIATE_INLINE void store(T* p) const {
    first.store(p);
    second.store(p + Vec<T>::lanes);
  }
};

template <class T>
struct MaskPair {
  Mask<T> first, second;
};

template <class T>
STRIATE_INLINE VecPair<T> operator+(VecPair<T> a, VecPair<T> b) {
  return {a.first + b.first, a.second + b.second};
}
template <class T>
STRIATE_INLINE VecPair<T> operator-(VecPair<T> a, VecPair<T> b) {
  return {a.first - b.first, a.second - b.second};
}
template <class T>
STRIATE_INLINE VecPair<T> operator*(VecPair<T> a, VecPair<T> b) {
  return {a.first * b.first, a.second * b.second};
}
template <class T>
STRIATE_INLINE VecPair<T> operator/(VecPair<T> a, VecPair<T> b) {
  return {a.first / b.first, a.second / b.second};
}
template <class T>
STRIATE_INLINE VecPair<T> operator-(VecPair<T> a) {
  return {-a.first, -a.second};
}
template <class T>
STRIATE_INLINE VecPair<T> max(VecPair<T> a, VecPair<T> b) {
  return {max(a.first, b.first), max(a.second, b.second)};
}
template <class T>
STRIATE_INLINE VecPair<T> min(VecPair<T> a, VecPair<T> b) {
  return {min(a.first, b.first), min(a.second, b.second)};
}
template <class T>
STRIATE_INLINE VecPair<T> fma(VecPair<T> a, VecPair<T> b, VecPair<T> c) {
  return {fma(a.first, b.first, c.first), fma(a.second, b.second, c.second)};
}
template <class T>
STRIATE_INLINE VecPair<T> ldexp(VecPair<T> x, VecPair<T> n) {
  return {ldexp(x.first, n.first), ldexp(x.second, n.second)};
}

template <class T>
STRIATE_INLINE MaskPair<T> operator<(VecPair<T> a, VecPair<T> b) {
  return {a.first < b.first, a.second < b.second};
}
template <class T>
STRIATE_INLINE MaskPair<T> operator>(VecPair<T> a, VecPair<T> b) {
  return {a.first > b.first, a.second > b.second};
}
template <class T>
STRIATE_INLINE MaskPair<T> operator<=(VecPair<T> a, VecPair<T> b) {
  return {a.first <= b.first, a.second <= b.second};
}
template <class T>
STRIATE_INLINE MaskPair<T> operator==(VecPair<T> a, VecPair<T> b) {
  return {a.first == b.first, a.second == b.second};
}
template <class T>
STRIATE_INLINE VecPair<T> select(MaskPair<T> mask, VecPair<T> a, VecPair<T> b) {
  return {select(mask.first, a.first, b.first), select(mask.second, a.second, b.second)};
}

}  // namespace
}  // namespace striate::cpu
