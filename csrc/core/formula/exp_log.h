// exp and log for any V with the operators of simd.h: no tables, no libm, the same for every lane.
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

template <class T>
struct ExpLog;

// ln2_high has so few bits that its product with an exponent is exact. exp: minimax polynomial of
// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2; log: of Sun's fdlibm, k_log.h.
template <>
struct ExpLog<float> {
  static constexpr float lowest = -104;  // e^lowest rounds to 0
  static constexpr float highest = 89;   // e^highest is infinite
  static constexpr float shift = 0x1.8p23f;
  static constexpr float smallest_normal = 0x1p-126f;
  static constexpr float denormal_exponent = 25;
  static constexpr float denormal_scale = 0x1p25f;
  static constexpr float ln2_high = 0x1.63p-1f;
  static constexpr float ln2_low = -0x1.bd0106p-13f;
  struct Exp {
    static constexpr int count = 5;
    static STRIATE_FORMULA constexpr float at(int i) {
      constexpr float term[] = {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.123a20p-7f,
                                0x1.6a23ccp-10f};
      return term[i];
    }
  };
  struct Log {
    static constexpr int count = 4;
    static STRIATE_FORMULA constexpr float at(int i) {
      constexpr float term[] = {0xaaaaaa.0p-24f, 0xccce13.0p-25f, 0x91e9ee.0p-25f, 0xf89e26.0p-26f};
      return term[i];
    }
  };
};

template <>
struct ExpLog<double> {
  static constexpr double lowest = -746;
  static constexpr double highest = 710;
  static constexpr double shift = 0x1.8p52;
  static constexpr double smallest_normal = 0x1p-1022;
  static constexpr double denormal_exponent = 54;
  static constexpr double denormal_scale = 0x1p54;
  static constexpr double ln2_high = 0x1.62e42feep-1;
  static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
  struct Exp {
    static constexpr int count = 10;
    static STRIATE_FORMULA constexpr double at(int i) {
      constexpr double term[] = {0x1.000000000000ap-1,  0x1.55555555554f9p-3,
                                 0x1.555555555083fp-5,  0x1.1111111127d12p-7,
                                 0x1.6c16c18438a9bp-10, 0x1.a01a012a0decap-13,
                                 0x1.a01999e270a29p-16, 0x1.71df25b62aae4p-19,
                                 0x1.28ad9b7ccc698p-22, 0x1.ad7f39b879aebp-26};
      return term[i];
    }
  };
  struct Log {
    static constexpr int count = 7;
    static STRIATE_FORMULA constexpr double at(int i) {
      constexpr double term[] = {6.666666666666735130e-01, 3.999999999940941908e-01,
                                 2.857142874366239149e-01, 2.222219843214978396e-01,
                                 1.818357216161805012e-01, 1.531383769920937332e-01,
                                 1.479819860511658591e-01};
      return term[i];
    }
  };
};

// P::at(0) + P::at(1) x + P::at(2) x^2 + ... Functions give the terms because CUDA code cannot
// refer to an array that is a class's member.
template <class V, class P>
STRIATE_FORMULA V polynomial(V x, P) {
  V sum = V::set(P::at(P::count - 1));
  for (int i = P::count - 2; i >= 0; --i) sum = fma(sum, x, V::set(P::at(i)));
  return sum;
}

// e^r - 1, where e^(high + low) = 2^n e^r with n = round((high + low) / ln 2); the sum must be in
// the range, and low small beside 1.
template <class V>
STRIATE_FORMULA V reduced_expm1(V high, V low, V* exponent) {
  using C = ExpLog<typename V::Scalar>;
  const V shift = V::set(C::shift);
  const V n = fma(high + low, V::set(1.4426950408889634), shift) - shift;
  const V r = fma(n, V::set(-C::ln2_low), fma(n, V::set(-C::ln2_high), high) + low);
  *exponent = n;
  return fma(polynomial(r, typename C::Exp{}), r * r, r);
}

// The same for any x, which is cut to the range; NaN stays.
template <class V>
STRIATE_FORMULA V reduced_expm1(V x, V* exponent) {
  using C = ExpLog<typename V::Scalar>;
  x = min(V::set(C::highest), max(V::set(C::lowest), x));
  return reduced_expm1(x, V::zero(), exponent);
}

// e^x, at most 1.01 units in the last place wrong; 0 and infinity beyond the range, denormals
// rounded once.
template <class V>
STRIATE_FORMULA V exp(V x) {
  V n;
  const V tail = reduced_expm1(x, &n);
  return ldexp(V::set(1) + tail, n);
}

// e^x - 1 for x <= 0, which loses no digits near 0.
template <class V>
STRIATE_FORMULA V expm1(V x) {
  V n;
  const V tail = reduced_expm1(x, &n);
  return ldexp(tail, n) + (ldexp(V::set(1), n) - V::set(1));
}

// log(1 + f) - f + f^2 / 2, for 1 + f in [sqrt(1/2), sqrt(2)].
template <class V>
STRIATE_FORMULA V log1p_rest(V f, V half_square) {
  using C = ExpLog<typename V::Scalar>;
  const V s = f / (V::set(2) + f);
  const V z = s * s;
  return s * fma(polynomial(z, typename C::Log{}), z, half_square);
}

// log((1 + f) 2^exponent) for such f, at most 0.83 units in the last place wrong.
template <class V>
STRIATE_FORMULA V log_of_reduced(V f, V exponent) {
  using C = ExpLog<typename V::Scalar>;
  const V half_square = V::set(0.5) * f * f;
  const V low = fma(exponent, V::set(C::ln2_low), log1p_rest(f, half_square));
  return fma(exponent, V::set(C::ln2_high), f - (half_square - low));
}

// m in [sqrt(1/2), sqrt(2)) with x = m 2^exponent, for any positive x.
template <class V>
STRIATE_FORMULA V reduced(V x, V* exponent) {
  using C = ExpLog<typename V::Scalar>;
  const auto denormal = x < V::set(C::smallest_normal);
  const V m = split_exponent(select(denormal, x * V::set(C::denormal_scale), x), exponent);
  *exponent = *exponent - select(denormal, V::set(C::denormal_exponent), V::zero());
  return m;
}

// log(1 + x) for x in [0, 1], which loses no digits near 0.
template <class V>
STRIATE_FORMULA V log1p_of_fraction(V x) {
  const auto large = x > V::set(0.41421356237309503);  // sqrt(2) - 1
  const V half = V::set(0.5) * (x - V::set(1));        // (1 + x) / 2 - 1, exactly
  return log_of_reduced(select(large, half, x), select(large, V::set(1), V::zero()));
}

// -infinity at 0, NaN below.
template <class V>
STRIATE_FORMULA V log(V x) {
  const V zero = V::zero(), infinity = V::set(__builtin_inf());
  V exponent;
  const V m = reduced(x, &exponent);
  // Infinity and NaN stay.
  const V y = select(x < infinity, log_of_reduced(m - V::set(1), exponent), x);
  const V none = V::set(__builtin_nan(""));
  return select(x < zero, none, select(x == zero, -infinity, y));
}

}  // namespace
}  // namespace striate::formula
