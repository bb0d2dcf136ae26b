// Vectors of this translation unit's instruction set: the only place with vector types and
// intrinsics. Everything is always inline and in an anonymous namespace, because a weak symbol
// compiled with ISA flags could be linked into code that must run without them.
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
    Vec v = zero();
    for (int i = 0; i < lanes; ++i)
      if (i < n) v.raw[i] = p[i * stride];
    return v;
  }

 private:
  static STRIATE_INLINE Vec load_even(const T* p, int n);
};

// A lane is all ones where the comparison holds, else zero.
template <class T>
struct Mask {
  Raw<LaneInt<T>> raw;
};

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

// where mask: a, else b
template <class T>
STRIATE_INLINE Vec<T> select(Mask<T> mask, Vec<T> a, Vec<T> b) {
  return {mask.raw ? a.raw : b.raw};
}

// Counters beside the lanes of a Vec<T>: unsigned, so that unused lanes may wrap around.
template <class T>
struct Counts {
  static constexpr int lanes = Vec<T>::lanes;
  using Lane = typename LaneUintOf<T>::type;

  Raw<Lane> raw;

  static STRIATE_INLINE Counts set(int64_t x) { return {static_cast<Lane>(x) - Raw<Lane>{}}; }
  // 0, step, 2 * step, ...
  static STRIATE_INLINE Counts steps(int64_t step) {
    Counts c{};
    for (int i = 0; i < lanes; ++i) c.raw[i] = static_cast<Lane>(i * static_cast<uint64_t>(step));
    return c;
  }
  // The first n lanes, each as an Index.
  template <class Index>
  STRIATE_INLINE void store(Index* p, int n) const {
    typedef Index Result __attribute__((vector_size(lanes * sizeof(Index))));
    const Result result = __builtin_convertvector(raw, Result);
    if (n == lanes)
      __builtin_memcpy(p, &result, sizeof result);
    else
      for (int i = 0; i < n; ++i) p[i] = result[i];
  }
};

template <class T>
STRIATE_INLINE Counts<T> operator+(Counts<T> a, Counts<T> b) {
  return {a.raw + b.raw};
}
template <class T>
STRIATE_INLINE Counts<T> select(Mask<T> mask, Counts<T> a, Counts<T> b) {
  return {mask.raw ? a.raw : b.raw};
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
  return select(a < b, a, b);
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

template <class T>
STRIATE_INLINE Vec<T> Vec<T>::load(const T* p, int n) {
#if defined(__AVX512F__)
  const auto mask = (uint32_t{1} << n) - 1;
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p)};
  else
    return {(Raw<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), p)};
#elif defined(__AVX2__)
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
  const Raw<T> low = load(p, span < lanes ? span : lanes).raw;
  const Raw<T> high = load(p + (lanes - 1), span < lanes ? 0 : span - (lanes - 1)).raw;
#if defined(__clang__)
#define STRIATE_SHUFFLE(...) {__builtin_shufflevector(low, high, __VA_ARGS__)}
#else
#define STRIATE_SHUFFLE(...) {__builtin_shuffle(low, high, RawInt{__VA_ARGS__})}
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

// The sum of the lanes, halves first: the same tree every time.
template <class T>
STRIATE_INLINE T reduce_add(Vec<T> v) {
  T lane[Vec<T>::lanes];
  v.store(lane);
  for (int width = Vec<T>::lanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
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
