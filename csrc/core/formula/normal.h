// The standard normal distribution, for any V with the operators of simd.h.
#pragma once

#include "core/formula/exact.h"
#include "core/formula/exp_log.h"

namespace striate::formula {
namespace {

template <class T>
struct Normal;

// Mills' ratio: (1 - Phi(x)) e^(x^2 / 2) (x + centre) is a polynomial in (x - centre) /
// (x + centre), interpolated at Chebyshev's nodes for x up to `farthest`. There x (1 - Phi(x))
// rounds to 0.
template <>
struct Normal<float> {
  static constexpr float farthest = 15;
  static constexpr float centre = 3;
  struct Ratio {
    static constexpr int count = 11;
    static STRIATE_FORMULA constexpr float at(int i) {
      constexpr float term[] = {0x1.754a76p-1f,  -0x1.04c72ap-1f,  0x1.d71382p-3f,
                                -0x1.832d32p-5f, -0x1.56d40ap-7f,  0x1.c8c7dcp-8f,
                                0x1.0c7a08p-10f, -0x1.0f2e8cp-10f, -0x1.0098a8p-12f,
                                0x1.1799c0p-13f, 0x1.d17fe4p-15f};
      return term[i];
    }
  };
};

template <>
struct Normal<double> {
  static constexpr double farthest = 39.5;
  static constexpr double centre = 6;
  struct Ratio {
    static constexpr int count = 24;
    static STRIATE_FORMULA constexpr double at(int i) {
      constexpr double term[] = {
          0x1.8e010d2b8a0eap-1,   -0x1.66eaa7d09640fp-1,  0x1.234fe3fd925bep-1,
          -0x1.a7d6577269bccp-2,  0x1.1267d7383da5ap-2,   -0x1.38b069dbb611ep-3,
          0x1.33e777760127ap-4,   -0x1.fba9d52f6bf46p-6,  0x1.48a83bd22afadp-7,
          -0x1.1764cdb483bd6p-9,  0x1.13bbcd26003cdp-15,  0x1.7c5742859ca58p-13,
          -0x1.0f96d7c7debb5p-14, 0x1.2084056e53c5ap-20,  0x1.c812d247f0e76p-18,
          -0x1.e2ab5083ed85dp-20, -0x1.cc4e99f87474bp-22, 0x1.4b36337c0e892p-22,
          0x1.b31f8fbf4326ep-28,  -0x1.6a3187d62ae7cp-25, 0x1.8ff351a04f56dp-29,
          0x1.5e8f029ec0e6ap-28,  -0x1.5c1a24b2d94bfp-32, -0x1.a75b0d256a151p-32};
      return term[i];
    }
  };
};

// What both tails share: e^(-x^2 / 2) = bell 2^exponent, and 1 - Phi(|x|) = ratio bell 2^exponent.
// Nothing underflows before the exponent is put in.
template <class V>
struct NormalTail {
  V x;  // |x|, cut where the tail has rounded to 0
  V bell, exponent, ratio;

  explicit STRIATE_FORMULA NormalTail(V value) {
    using C = Normal<typename V::Scalar>;
    x = min(V::set(C::farthest), max(-value, value));  // NaN stays
    const Pair<V> power = scaled_square(V::set(-0.5), x);
    bell = V::set(1) + reduced_expm1(power.high, power.low, &exponent);
    const V inverse = V::set(1) / (x + V::set(C::centre));
    // (x - centre) / (x + centre), which is near -1 where x is small: so its error is half a place.
    const V at = fma(V::set(2), x * inverse, V::set(-1));
    ratio = polynomial(at, typename C::Ratio{}) * inverse;
  }
};

}  // namespace
}  // namespace striate::formula
