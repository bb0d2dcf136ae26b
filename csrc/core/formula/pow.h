// Powers, for any V with the operators of simd.h: a logarithm and an exponent of twice the digits.
#pragma once

#include "core/formula/exact.h"
#include "core/formula/exp_log.h"

namespace striate::formula {
namespace {

// log(m 2^exponent) for m in [sqrt(1/2), sqrt(2)).
template <class V>
STRIATE_FORMULA Pair<V> precise_log(V m, V exponent) {
  using C = ExpLog<typename V::Scalar>;
  const V half = V::set(0.5), f = m - V::set(1);
  const Pair<V> f_square = square(f);
  const V square_high = half * f_square.high, square_low = half * f_square.low;
  const Pair<V> a = sum(exponent * V::set(C::ln2_high), f), b = sum(a.high, -square_high);
  const V rest = log1p_rest(f, square_high + square_low) - square_low;
  return sum(b.high, b.low + (a.low + fma(exponent, V::set(C::ln2_low), rest)));
}

// x^y for x >= 0 as IEEE 754 has it; NaN for x < 0. For |y| <= 4 at most 1.25 units in the last
// place wrong; the error grows with |y|, which must be below 2^100.
template <class V>
STRIATE_FORMULA V pow(V x, V y) {
  using C = ExpLog<typename V::Scalar>;
  const V zero = V::zero(), one = V::set(1), infinity = V::set(__builtin_inf());
  V exponent;
  const V m = reduced(x, &exponent);
  const Pair<V> log = precise_log(m, exponent);
  const Pair<V> p = product(y, log.high);
  // Beyond the range the low part means nothing.
  const auto near = (p.high > V::set(C::lowest)) & (p.high < V::set(C::highest));
  const V high = min(V::set(C::highest), max(V::set(C::lowest), p.high));
  const V low = select(near, fma(y, log.low, p.low), zero);
  V n;
  const V tail = reduced_expm1(high, low, &n);
  V power = ldexp(one + tail, n);
  // 0 and infinity; negative numbers and NaN.
  const V above = select(y < zero, zero, infinity), below = select(y < zero, infinity, zero);
  power = select(x == zero, below, select(x == infinity, above, power));
  power = select((x == x) & (zero <= x), power, V::set(__builtin_nan("")));
  return select(y == zero, one, power);
}

}  // namespace
}  // namespace striate::formula
