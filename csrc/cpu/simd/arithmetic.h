// Arithmetic of lanes.
#pragma once

#include "cpu/simd/mask.h"

namespace striate::cpu {
namespace {

template <class T>
STRIATE_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return {a.raw + b.raw};
}
template <class T>
STRIATE_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return {a.raw - b.raw};
}
template <class T>
STRIATE_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return {a.raw * b.raw};
}
template <class T>
STRIATE_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return {a.raw / b.raw};
}
template <class T>
STRIATE_INLINE Vec<T> operator-(Vec<T> a) {
  return {-a.raw};
}

// a > b ? a : b in each lane, so b where either is NaN.
template <class T>
STRIATE_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_max_ps((__m512)a.raw, (__m512)b.raw)};
  else
    return {(Raw<T>)_mm512_max_pd((__m512d)a.raw, (__m512d)b.raw)};
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm256_max_ps((__m256)a.raw, (__m256)b.raw)};
  else
    return {(Raw<T>)_mm256_max_pd((__m256d)a.raw, (__m256d)b.raw)};
#elif defined(__x86_64__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm_max_ps((__m128)a.raw, (__m128)b.raw)};
  else
    return {(Raw<T>)_mm_max_pd((__m128d)a.raw, (__m128d)b.raw)};
#else
  return select(a > b, a, b);
#endif
}

// a < b ? a : b in each lane, so b where either is NaN.
template <class T>
STRIATE_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_min_ps((__m512)a.raw, (__m512)b.raw)};
  else
    return {(Raw<T>)_mm512_min_pd((__m512d)a.raw, (__m512d)b.raw)};
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm256_min_ps((__m256)a.raw, (__m256)b.raw)};
  else
    return {(Raw<T>)_mm256_min_pd((__m256d)a.raw, (__m256d)b.raw)};
#elif defined(__x86_64__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm_min_ps((__m128)a.raw, (__m128)b.raw)};
  else
    return {(Raw<T>)_mm_min_pd((__m128d)a.raw, (__m128d)b.raw)};
#else
  return select(a < b, a, b);
#endif
}

// a * b + c, rounded once where the instruction set has it, else twice: body and tail alike.
template <class T>
STRIATE_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_fmadd_ps((__m512)a.raw, (__m512)b.raw, (__m512)c.raw)};
  else
    return {(Raw<T>)_mm512_fmadd_pd((__m512d)a.raw, (__m512d)b.raw, (__m512d)c.raw)};
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm256_fmadd_ps((__m256)a.raw, (__m256)b.raw, (__m256)c.raw)};
  else
    return {(Raw<T>)_mm256_fmadd_pd((__m256d)a.raw, (__m256d)b.raw, (__m256d)c.raw)};
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)vfmaq_f32((float32x4_t)c.raw, (float32x4_t)a.raw, (float32x4_t)b.raw)};
  else
    return {(Raw<T>)vfmaq_f64((float64x2_t)c.raw, (float64x2_t)a.raw, (float64x2_t)b.raw)};
#else
  return a * b + c;
#endif
}

template <class T>
STRIATE_INLINE Vec<T> sqrt(Vec<T> a) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_sqrt_ps((__m512)a.raw)};
  else
    return {(Raw<T>)_mm512_sqrt_pd((__m512d)a.raw)};
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm256_sqrt_ps((__m256)a.raw)};
  else
    return {(Raw<T>)_mm256_sqrt_pd((__m256d)a.raw)};
#elif defined(__x86_64__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm_sqrt_ps((__m128)a.raw)};
  else
    return {(Raw<T>)_mm_sqrt_pd((__m128d)a.raw)};
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)vsqrtq_f32((float32x4_t)a.raw)};
  else
    return {(Raw<T>)vsqrtq_f64((float64x2_t)a.raw)};
#else
  Vec<T> r;
  for (int i = 0; i < Vec<T>::lanes; ++i)
    r.raw[i] = sizeof(T) == 4 ? __builtin_sqrtf(a.raw[i]) : __builtin_sqrt(a.raw[i]);
  return r;
#endif
}

}  // namespace
}  // namespace striate::cpu
