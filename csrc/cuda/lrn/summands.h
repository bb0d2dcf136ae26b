// What local response normalisation across channels and within one share:
//   y = x t^-beta,  t = k + a (the window's sum of x^2)
//   dx = dy t^-beta - 2 a beta x (the sum of s over the mirrored window),  s = dy x t^(-beta - 1)
#pragma once

#include "core/formula/lrn.h"
#include "core/spec/lrn.h"
#include "cuda/index.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

using formula::Power;

template <class T>
struct LrnNumbers {
  T a, k, minus_beta, minus_2ab;

  explicit LrnNumbers(const LrnProblem& p)
      : a(static_cast<T>(p.a)),
        k(static_cast<T>(p.k)),
        minus_beta(static_cast<T>(-p.beta)),
        minus_2ab(static_cast<T>(-2 * p.a * p.beta)) {}
};

template <Power power>
struct PowerTag {
  static constexpr Power get = power;
};

// body(tag) with the tag::get that serves beta.
template <class Body>
void with_power(double beta, const Body& body) {
  if (beta == 0.75) return body(PowerTag<Power::three_quarters>{});
  if (beta == 0.5) return body(PowerTag<Power::half>{});
  if (beta == 1.0) return body(PowerTag<Power::one>{});
  body(PowerTag<Power::any>{});
}

template <Power power, class T>
STRIATE_DEVICE Lane<T> inverse_power(Lane<T> t, const LrnNumbers<T>& n) {
  return formula::inverse_power<power>(t, Lane<T>{T(1)}, Lane<T>{n.minus_beta});
}

// A window's sum of squares as t.
template <class T, class Each>
STRIATE_DEVICE Lane<T> base(const LrnNumbers<T>& n, const Each& each) {
  Lane<T> sum{T(0)};
  each([&](T x) { sum = fma(Lane<T>{x}, Lane<T>{x}, sum); });
  return fma(Lane<T>{n.a}, sum, Lane<T>{n.k});
}

// What an element adds to the gradients of the others, and the first term of its own.
template <class T>
struct LrnTerms {
  T first, summand;
};

template <Power power, class T>
STRIATE_DEVICE LrnTerms<T> terms(const LrnNumbers<T>& n, Lane<T> t, T dy, T x) {
  const Lane<T> first = Lane<T>{dy} * inverse_power<power>(t, n);
  return {first.value, (first * Lane<T>{x} / t).value};
}

template <class T>
STRIATE_DEVICE T input_grad(const LrnNumbers<T>& n, T first, T x, T sum) {
  return fma(Lane<T>{n.minus_2ab * x}, Lane<T>{sum}, Lane<T>{first}).value;
}

}  // namespace
}  // namespace striate::cuda
