// Every third float of consecutive ones: three vectors as they lie in memory become three columns,
// and back. Where kHasThirds is false there is no fast way to.
#pragma once

#include "cpu/simd.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace striate::cpu {
namespace {

#if defined(__AVX512F__)

inline constexpr bool kHasThirds = true;

// Lanes of a first permutation of two vectors, and of a second of its result and the third vector.
struct ThirdsIndex {
  alignas(64) int32_t first[3][16];
  alignas(64) int32_t second[3][16];
};

// Lane l of column c is element 3 l + c.
constexpr ThirdsIndex columns_index() {
  ThirdsIndex index{};
  for (int c = 0; c < 3; ++c) {
    for (int l = 0; l < 16; ++l) {
      const int at = 3 * l + c;
      index.first[c][l] = at < 32 ? at : 0;
      index.second[c][l] = at < 32 ? l : at - 16;
    }
  }
  return index;
}

// Lane l of vector v is lane (16 v + l) / 3 of column (16 v + l) % 3.
constexpr ThirdsIndex elements_index() {
  ThirdsIndex index{};
  for (int v = 0; v < 3; ++v) {
    for (int l = 0; l < 16; ++l) {
      const int at = 16 * v + l, column = at % 3, lane = at / 3;
      index.first[v][l] = column < 2 ? 16 * column + lane : 0;
      index.second[v][l] = column < 2 ? l : 16 + lane;
    }
  }
  return index;
}

STRIATE_INLINE Vec<float> permute_three(const ThirdsIndex& index, int i, Vec<float> a, Vec<float> b,
                                        Vec<float> c) {
  const __m512 two =
      _mm512_permutex2var_ps((__m512)a.raw, _mm512_load_si512(index.first[i]), (__m512)b.raw);
  return {
      (Raw<float>)_mm512_permutex2var_ps(two, _mm512_load_si512(index.second[i]), (__m512)c.raw)};
}

// column[c] = from[c], from[3 + c], ...
STRIATE_INLINE void load_thirds(const float* from, Vec<float>* column) {
  static constexpr ThirdsIndex kIndex = columns_index();
  constexpr int lanes = Vec<float>::lanes;
  const Vec<float> a = Vec<float>::load(from), b = Vec<float>::load(from + lanes);
  const Vec<float> c = Vec<float>::load(from + 2 * lanes);
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) column[i] = permute_three(kIndex, i, a, b, c);
}

// The columns' elements as they go to memory.
STRIATE_INLINE void mix_thirds(Vec<float> (&v)[3]) {
  static constexpr ThirdsIndex kIndex = elements_index();
  const Vec<float> a = v[0], b = v[1], c = v[2];
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) v[i] = permute_three(kIndex, i, a, b, c);
}

#elif defined(__aarch64__)

inline constexpr bool kHasThirds = true;

STRIATE_INLINE void load_thirds(const float* from, Vec<float>* column) {
  const float32x4x3_t v = vld3q_f32(from);
  for (int i = 0; i < 3; ++i) column[i] = {(Raw<float>)v.val[i]};
}

STRIATE_INLINE void mix_thirds(Vec<float> (&v)[3]) {
  float line[12];
  vst3q_f32(line, {{(float32x4_t)v[0].raw, (float32x4_t)v[1].raw, (float32x4_t)v[2].raw}});
  for (int i = 0; i < 3; ++i) v[i] = Vec<float>::load(line + 4 * i);
}

#else

inline constexpr bool kHasThirds = false;

STRIATE_INLINE void load_thirds(const float*, Vec<float>*) {}
STRIATE_INLINE void mix_thirds(Vec<float> (&)[3]) {}

#endif

}  // namespace
}  // namespace striate::cpu
