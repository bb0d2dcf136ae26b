// Sums and products with what their rounding loses, for any V with the operators of simd.h. They
// need no fused multiply-add, though one saves operations.
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

// high + low.
template <class V>
struct Pair {
  V high, low;
};

template <class T>
struct HalfBits;
template <>
struct HalfBits<float> {
  static constexpr float factor = 0x1.002p12f;
};
template <>
struct HalfBits<double> {
  static constexpr double factor = 0x1.0000002p27;
};

// x to half of its bits, so that a product of two such is exact (Veltkamp, 1968). |x| times some
// 2^12 or 2^27 must be in the range.
template <class V>
STRIATE_FORMULA V upper_half(V x) {
  const V c = x * V::set(HalfBits<typename V::Scalar>::factor);
  return c - (c - x);
}

// a + b for |a| >= |b| (Dekker, "A floating-point technique for extending the available precision",
// 1971).
template <class V>
STRIATE_FORMULA Pair<V> sum(V a, V b) {
  const V s = a + b;
  return {s, b - (s - a)};
}

// x * x: the high part is exact, the low part rounded.
template <class V>
STRIATE_FORMULA Pair<V> square(V x) {
  const V high = upper_half(x);
  return {high * high, (x - high) * (x + high)};
}

// scale * x * x for a scale that is a power of two; the high part is rounded where fma is fused.
template <class V>
STRIATE_FORMULA Pair<V> scaled_square(V scale, V x) {
  if constexpr (V::fused) {
    const V scaled = scale * x, high = scaled * x;
    return {high, fma(scaled, x, -high)};
  } else {
    const Pair<V> whole = square(x);
    return {scale * whole.high, scale * whole.low};
  }
}

// a * b (Dekker, as above).
template <class V>
STRIATE_FORMULA Pair<V> product(V a, V b) {
  const V p = a * b, ah = upper_half(a), bh = upper_half(b), al = a - ah, bl = b - bh;
  return {p, al * bl - (((p - ah * bh) - al * bh) - ah * bl)};
}

}  // namespace
}  // namespace striate::formula
