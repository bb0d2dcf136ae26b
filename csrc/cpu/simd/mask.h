// Comparisons of lanes, and what is chosen by them.
#pragma once

#include "cpu/simd/vec.h"

namespace striate::cpu {
namespace {

// A lane is all ones where the comparison holds, else zero.
template <class T>
struct Mask {
  Raw<LaneInt<T>> raw;
};

template <class T>
STRIATE_INLINE Mask<T> operator<(Vec<T> a, Vec<T> b) {
  return {a.raw < b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator>(Vec<T> a, Vec<T> b) {
  return {a.raw > b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator<=(Vec<T> a, Vec<T> b) {
  return {a.raw <= b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator==(Vec<T> a, Vec<T> b) {
  return {a.raw == b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> is_nan(Vec<T> a) {
  return {a.raw != a.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
  return {a.raw | b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
  return {a.raw & b.raw};
}
template <class T>
STRIATE_INLINE Mask<T> operator~(Mask<T> a) {
  return {~a.raw};
}

// The lanes 0 to n - 1.
template <class T>
STRIATE_INLINE Mask<T> first_lanes(int n) {
  Raw<LaneInt<T>> lane;
  for (int i = 0; i < Vec<T>::lanes; ++i) lane[i] = i;
  return {lane < static_cast<LaneInt<T>>(n) - Raw<LaneInt<T>>{}};
}

template <class T>
STRIATE_INLINE bool any(Mask<T> a) {
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask((__m512i)a.raw, (__m512i)a.raw) != 0;
#elif defined(__AVX2__)
  return _mm256_testz_si256((__m256i)a.raw, (__m256i)a.raw) == 0;
#elif defined(__x86_64__)
  return _mm_movemask_epi8((__m128i)a.raw) != 0;
#else
  LaneInt<T> joined = 0;
  for (int i = 0; i < Vec<T>::lanes; ++i) joined |= a.raw[i];
  return joined != 0;
#endif
}

// where mask: a, else b
template <class T>
STRIATE_INLINE Vec<T> select(Mask<T> mask, Vec<T> a, Vec<T> b) {
  return {mask.raw ? a.raw : b.raw};
}

}  // namespace
}  // namespace striate::cpu
