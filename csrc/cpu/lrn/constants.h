// What local response normalisation across channels and within one share.
#pragma once

#include "core/formula/lrn.h"
#include "core/spec/lrn.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

using formula::Power;

// The problem's numbers as vectors.
template <class T>
struct Constants {
  Vec<T> a, k, minus_beta, minus_2ab, one;

  explicit STRIATE_INLINE Constants(const LrnProblem& p)
      : a(Vec<T>::set(static_cast<T>(p.a))),
        k(Vec<T>::set(static_cast<T>(p.k))),
        minus_beta(Vec<T>::set(static_cast<T>(-p.beta))),
        minus_2ab(Vec<T>::set(static_cast<T>(-2 * p.a * p.beta))),
        one(Vec<T>::set(1)) {}
};

template <Power power>
struct PowerTag {
  static constexpr Power get = power;
};

// body(tag) with the tag::get that serves beta.
template <class Body>
STRIATE_INLINE void with_power(double beta, const Body& body) {
  if (beta == 0.75) return body(PowerTag<Power::three_quarters>{});
  if (beta == 0.5) return body(PowerTag<Power::half>{});
  if (beta == 1.0) return body(PowerTag<Power::one>{});
  body(PowerTag<Power::any>{});
}

}  // namespace
}  // namespace striate::cpu
