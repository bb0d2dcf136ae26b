// Any set of a vector's lanes.
#pragma once

#include "cpu/simd/vec.h"

namespace striate::cpu {
namespace {

template <class T>
class LaneSet {
 public:
  STRIATE_INLINE LaneSet() : bits_(0) {}
  // Lanes begin to end - 1, for any begin and end.
  static STRIATE_INLINE LaneSet range(int64_t begin, int64_t end) {
    return {first(end) & ~first(begin)};
  }
  static STRIATE_INLINE LaneSet all() { return {first(lanes)}; }
  STRIATE_INLINE LaneSet operator|(LaneSet other) const { return {bits_ | other.bits_}; }
  STRIATE_INLINE LaneSet operator&(LaneSet other) const { return {bits_ & other.bits_}; }

  STRIATE_INLINE bool empty() const { return bits_ == 0; }

  // Zero in the other lanes; reads nothing there.
  STRIATE_INLINE Vec<T> load(const T* p) const {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      return {(Raw<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(bits_), p)};
    else
      return {(Raw<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(bits_), p)};
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      return {(Raw<T>)_mm256_maskload_ps(p, mask())};
    else
      return {(Raw<T>)_mm256_maskload_pd(p, mask())};
#else
    return bits_ == first(lanes) ? Vec<T>::load(p) : load_strided(p, 1);
#endif
  }

  // Writes nothing in the other lanes.
  STRIATE_INLINE void store(Vec<T> v, T* p) const {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      _mm512_mask_storeu_ps(p, static_cast<__mmask16>(bits_), (__m512)v.raw);
    else
      _mm512_mask_storeu_pd(p, static_cast<__mmask8>(bits_), (__m512d)v.raw);
#elif defined(__AVX2__)
    if (bits_ == first(lanes)) return v.store(p);
    if constexpr (sizeof(T) == 4)
      _mm256_maskstore_ps(p, mask(), (__m256)v.raw);
    else
      _mm256_maskstore_pd(p, mask(), (__m256d)v.raw);
#else
    if (bits_ == first(lanes)) return v.store(p);
    T lane[lanes];
    v.store(lane);
    for (int i = 0; i < lanes; ++i)
      if (bits_ >> i & 1) p[i] = lane[i];
#endif
  }

  // The load for p[0], p[stride], p[2 * stride], ... Not inlined, or it takes long to compile.
  __attribute__((noinline)) Vec<T> load_strided(const T* p, int64_t stride) const {
    T lane[lanes] = {};
    for (int i = 0; i < lanes; ++i)
      if (bits_ >> i & 1) lane[i] = p[i * stride];
    return Vec<T>::load(lane);
  }

 private:
  static constexpr int lanes = Vec<T>::lanes;

  STRIATE_INLINE LaneSet(uint32_t bits) : bits_(bits) {}
  static STRIATE_INLINE uint32_t first(int64_t n) {
    return (uint32_t{1} << (n < 0 ? 0 : n < lanes ? n : lanes)) - 1;
  }
#if defined(__AVX2__) && !defined(__AVX512F__)
  STRIATE_INLINE __m256i mask() const {
    typename Vec<T>::RawInt bit;
    for (int i = 0; i < lanes; ++i) bit[i] = LaneInt<T>{1} << i;
    return (__m256i)((bit & static_cast<LaneInt<T> >(bits_)) == bit);
  }
#endif
  uint32_t bits_;
};

}  // namespace
}  // namespace striate::cpu
