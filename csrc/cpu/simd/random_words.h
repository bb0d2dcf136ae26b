// 64-bit lanes, for random words.
#pragma once

#include "cpu/simd/mask.h"

namespace striate::cpu {
namespace {

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

}  // namespace
}  // namespace striate::cpu
