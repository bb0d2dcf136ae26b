// One step of Adagrad, for any V with the operators of simd.h.
#pragma once

#include "core/formula/inline.h"
#include "core/formula/penalty.h"

namespace striate::formula {
namespace {

template <class T>
struct AdagradFactors {
  T lr;
  T eps;
  PenaltyFactors<T> penalty;
  bool keras;
};

template <class T>
inline AdagradFactors<T> adagrad_factors(const AdagradOptions& o) {
  return {static_cast<T>(o.lr), static_cast<T>(o.eps), penalty_factors<T>(o.penalty, o.lr),
          o.keras};
}

// What a gradient is divided by: sqrt(square) + eps, for Keras sqrt(square + eps).
template <class V, class T>
STRIATE_FORMULA V root(V square, T eps, bool inside) {
  return inside ? sqrt(square + V::set(eps)) : sqrt(square) + V::set(eps);
}

// a += g^2; w -= lr g / root(a)
template <class V, class T>
STRIATE_FORMULA void adagrad(const AdagradFactors<T>& f, V g, V& w, V& a) {
  g = penalized(f.penalty, g, w);
  a = fma(g, g, a);
  w = decayed(f.penalty, w) - V::set(f.lr) * g / root(a, f.eps, f.keras);
}

}  // namespace
}  // namespace striate::formula
