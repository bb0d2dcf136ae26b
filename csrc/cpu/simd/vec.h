// Vec<T>: a vector of this instruction set, whole and partial loads and stores.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define STRIATE_INLINE inline __attribute__((always_inline))

namespace striate::cpu {
namespace {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

// Whether fma rounds once.
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool kFusedMultiplyAdd = true;
#else
inline constexpr bool kFusedMultiplyAdd = false;
#endif

// The integer as wide as a lane, for masks and bit patterns.
template <class T>
struct LaneIntOf;
template <>
struct LaneIntOf<float> {
  using type = int32_t;
};
template <>
struct LaneIntOf<double> {
  using type = int64_t;
};
template <class T>
using LaneInt = typename LaneIntOf<T>::type;

template <class T>
struct LaneUintOf;
template <>
struct LaneUintOf<float> {
  using type = uint32_t;
};
template <>
struct LaneUintOf<double> {
  using type = uint64_t;
};

template <class T>
struct RawOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Raw = typename RawOf<T>::type;

#if defined(__AVX2__) && !defined(__AVX512F__)
// A window of 8 (or 4) lanes at offset 8 - n has its first n lanes set.
alignas(64) const int32_t kFirstLanes32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
alignas(64) const int64_t kFirstLanes64[8] = {-1, -1, -1, -1};
#endif

template <class T>
struct Vec {
  static constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));
  static constexpr bool fused = kFusedMultiplyAdd;
  using Scalar = T;
  using Int = LaneInt<T>;
  using RawInt = Raw<Int>;

  Raw<T> raw;

  static STRIATE_INLINE Vec set(T x) { return Vec{x - Raw<T>{}}; }
  static STRIATE_INLINE Vec zero() { return Vec{Raw<T>{}}; }

  static STRIATE_INLINE Vec load(const T* p) {
    Vec v;
    __builtin_memcpy(&v.raw, p, sizeof v.raw);
    return v;
  }
  // The first n lanes, 0 <= n <= lanes; the others are zero. Reads nothing beyond p[n - 1].
  static STRIATE_INLINE Vec load(const T* p, int n);

  STRIATE_INLINE void store(T* p) const { __builtin_memcpy(p, &raw, sizeof raw); }
  STRIATE_INLINE void store(T* p, int n) const;

  // p[0], p[stride], p[2 * stride], ...: the first n lanes, the others zero. Reads nothing beyond
  // the last of them.
  static STRIATE_INLINE Vec load_strided(const T* p, int64_t stride, int n) {
    if (stride == 1) return load(p, n);
    if (stride == 2) return load_even(p, n);
    if (stride == 4) return load_fourth(p, n);
    Vec v = zero();
    for (int i = 0; i < lanes; ++i)
      if (i < n) v.raw[i] = p[i * stride];
    return v;
  }

 private:
  static STRIATE_INLINE Vec load_even(const T* p, int n);
  static STRIATE_INLINE Vec load_fourth(const T* p, int n);
};

template <class T>
STRIATE_INLINE Vec<T> Vec<T>::load(const T* p, int n) {
#if defined(__AVX512F__)
  const auto mask = (uint32_t{1} << n) - 1;
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p)};
  else
    return {(Raw<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), p)};
#elif defined(__AVX2__)
  if (n >= lanes) return load(p);
  if constexpr (sizeof(T) == 4) {
    const __m256i mask =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes32 + lanes - n));
    return {(Raw<T>)_mm256_maskload_ps(p, mask)};
  } else {
    const __m256i mask =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes64 + lanes - n));
    return {(Raw<T>)_mm256_maskload_pd(p, mask)};
  }
#else
  if (n >= lanes) return load(p);
  Vec v = zero();
  for (int i = 0; i < lanes; ++i)
    if (i < n) v.raw[i] = p[i];
  return v;
#endif
}

template <class T>
STRIATE_INLINE void Vec<T>::store(T* p, int n) const {
#if defined(__AVX512F__)
  const auto mask = (uint32_t{1} << n) - 1;
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), (__m512)raw);
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), (__m512d)raw);
#elif defined(__AVX2__)
  if (n >= lanes) return store(p);  // AMD's masked stores take tens of cycles
  if constexpr (sizeof(T) == 4) {
    const __m256i mask =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes32 + lanes - n));
    _mm256_maskstore_ps(p, mask, (__m256)raw);
  } else {
    const __m256i mask =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes64 + lanes - n));
    _mm256_maskstore_pd(p, mask, (__m256d)raw);
  }
#else
  if (n >= lanes) return store(p);
  for (int i = 0; i < lanes; ++i)
    if (i < n) p[i] = raw[i];
#endif
}

// The two loads overlap by one element, so that the second ends with the last one that is wanted.
template <class T>
STRIATE_INLINE Vec<T> Vec<T>::load_even(const T* p, int n) {
  const int span = n > 0 ? 2 * n - 1 : 0;
  const bool full = n == lanes;
  const Raw<T> low = full ? load(p).raw : load(p, span < lanes ? span : lanes).raw;
  const Raw<T> high = full ? load(p + (lanes - 1)).raw
                           : load(p + (lanes - 1), span < lanes ? 0 : span - (lanes - 1)).raw;
#if defined(__clang__)
#define STRIATE_SHUFFLE(...) {__builtin_shufflevector(low, high, __VA_ARGS__)}
#else
#define STRIATE_SHUFFLE(...)                          \
  {                                                   \
    __builtin_shuffle(low, high, RawInt{__VA_ARGS__}) \
  }
#endif
  if constexpr (lanes == 2)
    return STRIATE_SHUFFLE(0, 3);
  else if constexpr (lanes == 4)
    return STRIATE_SHUFFLE(0, 2, 5, 7);
  else if constexpr (lanes == 8)
    return STRIATE_SHUFFLE(0, 2, 4, 6, 9, 11, 13, 15);
  else
    return STRIATE_SHUFFLE(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
#undef STRIATE_SHUFFLE
}

// The even ones of two vectors of even ones.
template <class T>
STRIATE_INLINE Vec<T> Vec<T>::load_fourth(const T* p, int n) {
  const int span = n > 0 ? 2 * n - 1 : 0;
  const Raw<T> low = load_even(p, span < lanes ? span : lanes).raw;
  const Raw<T> high = load_even(p + 2 * lanes, span < lanes ? 0 : span - lanes).raw;
#if defined(__clang__)
#define STRIATE_SHUFFLE(...) {__builtin_shufflevector(low, high, __VA_ARGS__)}
#else
#define STRIATE_SHUFFLE(...)                          \
  {                                                   \
    __builtin_shuffle(low, high, RawInt{__VA_ARGS__}) \
  }
#endif
  if constexpr (lanes == 2)
    return STRIATE_SHUFFLE(0, 2);
  else if constexpr (lanes == 4)
    return STRIATE_SHUFFLE(0, 2, 4, 6);
  else if constexpr (lanes == 8)
    return STRIATE_SHUFFLE(0, 2, 4, 6, 8, 10, 12, 14);
  else
    return STRIATE_SHUFFLE(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#undef STRIATE_SHUFFLE
}

// low[0], high[0], low[1], high[1], ...: two vectors of memory.
template <class T>
STRIATE_INLINE void store_alternating(Vec<T> even, Vec<T> odd, T* p) {
  constexpr int lanes = Vec<T>::lanes;
  const Raw<T> low = even.raw, high = odd.raw;
#if defined(__clang__)
#define STRIATE_SHUFFLE(...) Vec<T>{__builtin_shufflevector(low, high, __VA_ARGS__)}
#else
#define STRIATE_SHUFFLE(...) \
  Vec<T> { __builtin_shuffle(low, high, typename Vec<T>::RawInt{__VA_ARGS__}) }
#endif
  if constexpr (lanes == 2) {
    STRIATE_SHUFFLE(0, 2).store(p);
    STRIATE_SHUFFLE(1, 3).store(p + lanes);
  } else if constexpr (lanes == 4) {
    STRIATE_SHUFFLE(0, 4, 1, 5).store(p);
    STRIATE_SHUFFLE(2, 6, 3, 7).store(p + lanes);
  } else if constexpr (lanes == 8) {
    STRIATE_SHUFFLE(0, 8, 1, 9, 2, 10, 3, 11).store(p);
    STRIATE_SHUFFLE(4, 12, 5, 13, 6, 14, 7, 15).store(p + lanes);
  } else {
    STRIATE_SHUFFLE(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23).store(p);
    STRIATE_SHUFFLE(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31).store(p + lanes);
  }
#undef STRIATE_SHUFFLE
}

}  // namespace
}  // namespace striate::cpu
