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
    typedef Index Narrow __attribute__((vector_size(lanes * sizeof(Index))));
    const Narrow narrow = __builtin_convertvector(raw, Narrow);
    if (n == lanes) {
      __builtin_memcpy(p, &narrow, sizeof narrow);
    } else if constexpr (sizeof(Index) == sizeof(T)) {
      Vec<T>{(Raw<T>)raw}.store(reinterpret_cast<T*>(p), n);
    } else {
      for (int i = 0; i < lanes; ++i)
        if (i < n) p[i] = narrow[i];
    }
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

// The bits of a T, and what is added to its exponent there.
template <class T>
struct Layout {
  using Uint = typename LaneUintOf<T>::type;
  static constexpr int fraction = sizeof(T) == 4 ? 23 : 52;
  static constexpr Uint one = Uint{sizeof(T) == 4 ? 127 : 1023} << fraction;
  static constexpr T bias = static_cast<T>(one >> fraction);
};

// 2^n for an integral n that makes it a normal number.
template <class T>
STRIATE_INLINE Vec<T> pow2(Vec<T> n) {
  using L = Layout<T>;
  // Added to it, n + bias lands in the last bits of the fraction.
  const T shift = T(1.5) * (typename L::Uint{1} << L::fraction) + L::bias;
  return {(Raw<T>)((Raw<typename L::Uint>)(n.raw + shift) << L::fraction)};
}

// x * 2^n, rounded once, for an integral n at most twice as far from 0 as pow2 allows.
template <class T>
STRIATE_INLINE Vec<T> ldexp(Vec<T> x, Vec<T> n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return {(Raw<T>)_mm512_scalef_ps((__m512)x.raw, (__m512)n.raw)};
  else
    return {(Raw<T>)_mm512_scalef_pd((__m512d)x.raw, (__m512d)n.raw)};
#else
  const Vec<T> shift = Vec<T>::set(T(1.5) * (typename Layout<T>::Uint{1} << Layout<T>::fraction));
  const Vec<T> half = (n * Vec<T>::set(T(0.5)) + shift) - shift;
  return x * pow2(half) * pow2(n - half);
#endif
}

// m in [sqrt(1/2), sqrt(2)) with x = m * 2^exponent, for x positive and normal.
template <class T>
STRIATE_INLINE Vec<T> split_exponent(Vec<T> x, Vec<T>* exponent) {
  using L = Layout<T>;
  using Uint = typename L::Uint;
  const Uint root = sizeof(T) == 4 ? Uint{0x3f3504f3} : static_cast<Uint>(0x3fe6a09e667f3bcd);
  const Raw<Uint> bits = (Raw<Uint>)x.raw + (L::one - root);
  // The biased exponent, as the last bits of a number whose last bit is worth 1.
  const Uint unit = L::one + (static_cast<Uint>(L::fraction) << L::fraction);  // 2^fraction
  exponent->raw =
      (Raw<T>)((bits >> L::fraction) | unit) - (static_cast<T>(Uint{1} << L::fraction) + L::bias);
  return {(Raw<T>)((bits & ((Uint{1} << L::fraction) - 1)) + root)};
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
  const Raw<T> low = load(p, span < lanes ? span : lanes).raw;
  const Raw<T> high = load(p + (lanes - 1), span < lanes ? 0 : span - (lanes - 1)).raw;
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

// 64-bit lanes, for random words.
struct VecU64 {
  static constexpr int lanes = kVectorBytes / 8;
  Raw<uint64_t> raw;

  static STRIATE_INLINE VecU64 set(uint64_t x) { return {x - Raw<uint64_t>{}}; }
  static STRIATE_INLINE VecU64 iota() {
    VecU64 v;
    for (int i = 0; i < lanes; ++i) v.raw[i] = static_cast<uint64_t>(i);
    return v;
  }
  STRIATE_INLINE void store(uint64_t* p) const { __builtin_memcpy(p, &raw, sizeof raw); }
};
STRIATE_INLINE VecU64 operator+(VecU64 a, VecU64 b) { return {a.raw + b.raw}; }
STRIATE_INLINE VecU64 operator^(VecU64 a, VecU64 b) { return {a.raw ^ b.raw}; }
STRIATE_INLINE VecU64 operator&(VecU64 a, VecU64 b) { return {a.raw & b.raw}; }
STRIATE_INLINE VecU64 operator|(VecU64 a, VecU64 b) { return {a.raw | b.raw}; }
STRIATE_INLINE VecU64 shift_left(VecU64 a, int bits) { return {a.raw << bits}; }
STRIATE_INLINE VecU64 shift_right(VecU64 a, int bits) { return {a.raw >> bits}; }

// The 64-bit products of the lanes' low halves; the high halves must be zero.
STRIATE_INLINE VecU64 multiply_words(VecU64 a, VecU64 b) {
#if defined(__AVX512F__)
  return {(Raw<uint64_t>)_mm512_mul_epu32((__m512i)a.raw, (__m512i)b.raw)};
#elif defined(__AVX2__)
  return {(Raw<uint64_t>)_mm256_mul_epu32((__m256i)a.raw, (__m256i)b.raw)};
#elif defined(__x86_64__)
  return {(Raw<uint64_t>)_mm_mul_epu32((__m128i)a.raw, (__m128i)b.raw)};
#elif defined(__aarch64__)
  return {(Raw<uint64_t>)vmull_u32(vmovn_u64((uint64x2_t)a.raw), vmovn_u64((uint64x2_t)b.raw))};
#else
  return {a.raw * b.raw};
#endif
}

// a[0], b[0], a[1], b[1], ...: the first half of it and the second.
STRIATE_INLINE void store_interleaved(VecU64 a, VecU64 b, uint64_t* p) {
  constexpr int lanes = VecU64::lanes;
#if defined(__clang__)
#define STRIATE_INTERLEAVE(...) __builtin_shufflevector(a.raw, b.raw, __VA_ARGS__)
#else
#define STRIATE_INTERLEAVE(...) __builtin_shuffle(a.raw, b.raw, Raw<uint64_t>{__VA_ARGS__})
#endif
#if defined(__AVX512F__)
  VecU64{STRIATE_INTERLEAVE(0, 8, 1, 9, 2, 10, 3, 11)}.store(p);
  VecU64{STRIATE_INTERLEAVE(4, 12, 5, 13, 6, 14, 7, 15)}.store(p + lanes);
#elif defined(__AVX2__)
  VecU64{STRIATE_INTERLEAVE(0, 4, 1, 5)}.store(p);
  VecU64{STRIATE_INTERLEAVE(2, 6, 3, 7)}.store(p + lanes);
#else
  VecU64{STRIATE_INTERLEAVE(0, 2)}.store(p);
  VecU64{STRIATE_INTERLEAVE(1, 3)}.store(p + lanes);
#endif
#undef STRIATE_INTERLEAVE
}

// Where each of the next words is below `bound`.
template <class T>
STRIATE_INLINE Mask<T> words_below(const uint32_t* words, uint32_t bound) {
  using Lane = typename LaneUintOf<T>::type;
  typedef uint32_t Words __attribute__((vector_size(Vec<T>::lanes * sizeof(uint32_t))));
  Words w;
  __builtin_memcpy(&w, words, sizeof w);
  const Raw<Lane> wide = __builtin_convertvector(w, Raw<Lane>);
  return {(Raw<LaneInt<T>>)(wide < (static_cast<Lane>(bound) - Raw<Lane>{}))};
}

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
