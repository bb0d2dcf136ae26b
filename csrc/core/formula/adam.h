// One step of Adam, for any V with the operators of simd.h.
#pragma once

#include "core/formula/inline.h"
#include "core/formula/penalty.h"

namespace striate::formula {
namespace {

template <class T>
struct AdamFactors {
  T beta1;
  T gradient;  // 1 - beta1
  T beta2;
  T square;  // 1 - beta2
  T eps;
  PenaltyFactors<T> penalty;
};

template <class T>
inline AdamFactors<T> adam_factors(const AdamOptions& o) {
  return {static_cast<T>(o.beta1), static_cast<T>(1 - o.beta1),
          static_cast<T>(o.beta2), static_cast<T>(1 - o.beta2),
          static_cast<T>(o.eps),   penalty_factors<T>(o.penalty, o.lr)};
}

// The averages of the gradient and of its square.
template <class V, class T>
STRIATE_FORMULA void adam_averages(const AdamFactors<T>& f, V g, V w, V& m, V& v) {
  g = penalized(f.penalty, g, w);
  m = fma(V::set(f.beta1), m, V::set(f.gradient) * g);
  v = fma(V::set(f.beta2), v, V::set(f.square) * g * g);
}

// w - decay * w - rate * m / (root_scale * sqrt(v) + eps)
template <class V, class T>
STRIATE_FORMULA V adam_update(const AdamFactors<T>& f, T rate, T root_scale, V w, V m, V v) {
  const V step = V::set(rate) * m / fma(V::set(root_scale), sqrt(v), V::set(f.eps));
  return decayed(f.penalty, w) - step;
}

}  // namespace
}  // namespace striate::formula
