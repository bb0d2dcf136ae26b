// Vectors as rows of four floats. `lanes` rows of four consecutive floats, wherever they lie,
// become four vectors, one for each column, and back: what a gather does, several times as fast.
// Row l is held by vector l % 4, in its quarter (128 bits) l / 4; a 4 x 4 transpose within each
// quarter then makes lane l of vector j the j-th element of row l.
#pragma once

#include "cpu/simd.h"

namespace striate::cpu {
namespace {

using Floats = Vec<float>;
inline constexpr int kQuarters = Floats::lanes / 4;

#if defined(__x86_64__)

#if defined(__AVX512F__)
#define STRIATE_WIDE(name) _mm512_##name
#define STRIATE_WIDE_PD __m512d
#define STRIATE_WIDE_PS __m512
#elif defined(__AVX2__)
#define STRIATE_WIDE(name) _mm256_##name
#define STRIATE_WIDE_PD __m256d
#define STRIATE_WIDE_PS __m256
#else
#define STRIATE_WIDE(name) _mm_##name
#define STRIATE_WIDE_PD __m128d
#define STRIATE_WIDE_PS __m128
#endif
// a0 b0 a1 b1 and a2 b2 a3 b3 of each quarter.
STRIATE_INLINE Floats zip_low(Floats a, Floats b) {
  return {(Raw<float>)STRIATE_WIDE(unpacklo_ps)((STRIATE_WIDE_PS)a.raw, (STRIATE_WIDE_PS)b.raw)};
}
STRIATE_INLINE Floats zip_high(Floats a, Floats b) {
  return {(Raw<float>)STRIATE_WIDE(unpackhi_ps)((STRIATE_WIDE_PS)a.raw, (STRIATE_WIDE_PS)b.raw)};
}
// a0 a1 b0 b1 and a2 a3 b2 b3 of each quarter.
STRIATE_INLINE Floats join_low(Floats a, Floats b) {
  return {(Raw<float>)STRIATE_WIDE(unpacklo_pd)((STRIATE_WIDE_PD)a.raw, (STRIATE_WIDE_PD)b.raw)};
}
STRIATE_INLINE Floats join_high(Floats a, Floats b) {
  return {(Raw<float>)STRIATE_WIDE(unpackhi_pd)((STRIATE_WIDE_PD)a.raw, (STRIATE_WIDE_PD)b.raw)};
}
#undef STRIATE_WIDE
#undef STRIATE_WIDE_PD
#undef STRIATE_WIDE_PS

#else

STRIATE_INLINE Floats zip_low(Floats a, Floats b) {
  return {Raw<float>{a.raw[0], b.raw[0], a.raw[1], b.raw[1]}};
}
STRIATE_INLINE Floats zip_high(Floats a, Floats b) {
  return {Raw<float>{a.raw[2], b.raw[2], a.raw[3], b.raw[3]}};
}
STRIATE_INLINE Floats join_low(Floats a, Floats b) {
  return {Raw<float>{a.raw[0], a.raw[1], b.raw[0], b.raw[1]}};
}
STRIATE_INLINE Floats join_high(Floats a, Floats b) {
  return {Raw<float>{a.raw[2], a.raw[3], b.raw[2], b.raw[3]}};
}

#endif

// The rows offset[k], offset[4 + k], ... of four floats, one to a quarter.
template <class Offset>
STRIATE_INLINE Floats load_quarters(const float* base, const Offset* offset) {
#if defined(__AVX512F__)
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(base + offset[0]));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(base + offset[4]), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(base + offset[8]), 2);
  return {(Raw<float>)_mm512_insertf32x4(v, _mm_loadu_ps(base + offset[12]), 3)};
#elif defined(__AVX2__)
  const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(base + offset[0]));
  return {(Raw<float>)_mm256_insertf128_ps(v, _mm_loadu_ps(base + offset[4]), 1)};
#else
  return Floats::load(base + offset[0]);
#endif
}

// Rows to columns, or columns to rows.
STRIATE_INLINE void transpose_quads(Floats (&v)[4]) {
  const Floats a = zip_low(v[0], v[1]), b = zip_high(v[0], v[1]);
  const Floats c = zip_low(v[2], v[3]), d = zip_high(v[2], v[3]);
  v[0] = join_low(a, c);
  v[1] = join_high(a, c);
  v[2] = join_low(b, d);
  v[3] = join_high(b, d);
}

// The columns 2 and 3 alone.
STRIATE_INLINE void transpose_quads_high(const Floats (&v)[4], Floats* third, Floats* fourth) {
  const Floats b = zip_high(v[0], v[1]), d = zip_high(v[2], v[3]);
  *third = join_low(b, d);
  *fourth = join_high(b, d);
}

// The rows at base + offset[l], one for each lane l, not yet transposed.
template <class Offset>
STRIATE_INLINE void load_rows(const float* base, const Offset* offset, Floats (&v)[4]) {
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) v[k] = load_quarters(base, offset + k);
}

// 4 * lanes consecutive floats as rows: lane l of the columns is then row kQuarters * (l % 4) +
// l / 4, an order that store_consecutive_rows undoes.
STRIATE_INLINE void load_consecutive_rows(const float* from, Floats (&v)[4]) {
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) v[k] = Floats::load(from + k * Floats::lanes);
}

// 8 * lanes consecutive floats as rows of eight: their first and their last four, in the same
// order.
STRIATE_INLINE void load_consecutive_halves(const float* from, Floats (&first)[4],
                                            Floats (&last)[4]) {
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const Floats low = Floats::load(from + 2 * k * Floats::lanes);
    const Floats high = Floats::load(from + (2 * k + 1) * Floats::lanes);
#if defined(__AVX512F__)
    first[k] = {(Raw<float>)_mm512_shuffle_f32x4((__m512)low.raw, (__m512)high.raw, 0x88)};
    last[k] = {(Raw<float>)_mm512_shuffle_f32x4((__m512)low.raw, (__m512)high.raw, 0xdd)};
#elif defined(__AVX2__)
    first[k] = {(Raw<float>)_mm256_permute2f128_ps((__m256)low.raw, (__m256)high.raw, 0x20)};
    last[k] = {(Raw<float>)_mm256_permute2f128_ps((__m256)low.raw, (__m256)high.raw, 0x31)};
#else
    first[k] = low;
    last[k] = high;
#endif
  }
}

// The first n <= 4 floats of row 4 * quarter + k, given vector k.
template <int quarter>
STRIATE_INLINE void store_row(Floats v, float* to, int n) {
#if defined(__AVX512F__)
  const __m128 row = _mm512_extractf32x4_ps((__m512)v.raw, quarter);
  if (n < 4) return _mm_mask_storeu_ps(to, static_cast<__mmask8>((1 << n) - 1), row);
  _mm_storeu_ps(to, row);
#elif defined(__AVX2__)
  const __m128 row = _mm256_extractf128_ps((__m256)v.raw, quarter);
  if (n == 4) return _mm_storeu_ps(to, row);
  for (int i = 0; i < n; ++i) to[i] = row[i];
#else
  if (n == 4) return v.store(to);
  for (int i = 0; i < n; ++i) to[i] = v.raw[i];
#endif
}

// A quarter's number that the compiler knows.
template <int value>
struct Quarter {
  static constexpr int get = value;
};
template <class Body>
STRIATE_INLINE void for_each_quarter(const Body& body) {
  body(Quarter<0>{});
  if constexpr (kQuarters > 1) body(Quarter<1>{});
  if constexpr (kQuarters > 2) {
    body(Quarter<2>{});
    body(Quarter<3>{});
  }
}

// The first n floats of each of the first `live` rows, row l to place(l).
template <class Place>
STRIATE_INLINE void store_rows(const Floats (&v)[4], int live, int n, const Place& place) {
  for_each_quarter([&](auto quarter) {
    constexpr int first = 4 * decltype(quarter)::get;
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      if (first + k < live) store_row<decltype(quarter)::get>(v[k], place(first + k), n);
  });
}

}  // namespace
}  // namespace striate::cpu
