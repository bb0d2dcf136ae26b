// What every optimizer adds to the gradient and takes off the parameter, for any V with the
// operators of simd.h.
#pragma once

#include "core/formula/inline.h"
#include "core/spec/optimizer.h"

namespace striate::formula {
namespace {

template <class T>
struct PenaltyFactors {
  T weight_decay;  // coupled
  T l1;
  T decay;  // decoupled: lr * weight_decay
};

template <class T>
inline PenaltyFactors<T> penalty_factors(const Penalty& p, double lr) {
  return {static_cast<T>(p.decoupled ? 0 : p.weight_decay), static_cast<T>(p.l1),
          static_cast<T>(p.decoupled ? lr * p.weight_decay : 0)};
}

template <class V>
STRIATE_FORMULA V sign(V x) {
  return select(x > V::zero(), V::set(1), select(x < V::zero(), V::set(-1), x));
}

// The gradient with its penalties: weight_decay / 2 * w^2 and l1 * |w|.
template <class V, class T>
STRIATE_FORMULA V penalized(const PenaltyFactors<T>& f, V g, V w) {
  if (f.weight_decay != T(0)) g = fma(V::set(f.weight_decay), w, g);
  if (f.l1 != T(0)) g = fma(V::set(f.l1), sign(w), g);
  return g;
}

// The old parameter after decoupled decay: what the update is then taken off.
template <class V, class T>
STRIATE_FORMULA V decayed(const PenaltyFactors<T>& f, V w) {
  return f.decay != T(0) ? fma(V::set(-f.decay), w, w) : w;
}

}  // namespace
}  // namespace striate::formula
