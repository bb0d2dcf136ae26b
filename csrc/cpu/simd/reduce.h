// The lanes of a vector as one number.
#pragma once

#include "cpu/simd/vec.h"

namespace striate::cpu {
namespace {

// The sum of the lanes, halves first: the same tree every time.
template <class T>
STRIATE_INLINE T reduce_add(Vec<T> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return _mm512_reduce_add_ps((__m512)v.raw);
  else
    return _mm512_reduce_add_pd((__m512d)v.raw);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256 all = (__m256)v.raw;
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  } else {
    const __m256d all = (__m256d)v.raw;
    const __m128d sum = _mm_add_pd(_mm256_castpd256_pd128(all), _mm256_extractf128_pd(all, 1));
    return _mm_cvtsd_f64(_mm_add_sd(sum, _mm_unpackhi_pd(sum, sum)));
  }
#else
  T lane[Vec<T>::lanes];
  v.store(lane);
  for (int width = Vec<T>::lanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
#endif
}

// The greatest lane; a NaN in any lane may be lost.
template <class T>
STRIATE_INLINE T reduce_max(Vec<T> v) {
  T lane[Vec<T>::lanes];
  v.store(lane);
  T best = lane[0];
  for (int i = 1; i < Vec<T>::lanes; ++i) best = lane[i] > best ? lane[i] : best;
  return best;
}

}  // namespace
}  // namespace striate::cpu
