// Powers of two: putting exponents together with fractions, and taking them apart.
#pragma once

#include "cpu/simd/arithmetic.h"

namespace striate::cpu {
namespace {

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

}  // namespace
}  // namespace striate::cpu
