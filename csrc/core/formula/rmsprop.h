// One step of RMSprop, for any V with the operators of simd.h.
#pragma once

#include "core/formula/adagrad.h"
#include "core/formula/inline.h"

namespace striate::formula {
namespace {

template <class T>
struct RmspropFactors {
  T lr;
  T alpha;
  T share;  // 1 - alpha
  T eps;
  T momentum;
  PenaltyFactors<T> penalty;
  bool keras;
};

template <class T>
inline RmspropFactors<T> rmsprop_factors(const RmspropOptions& o) {
  return {static_cast<T>(o.lr),
          static_cast<T>(o.alpha),
          static_cast<T>(1 - o.alpha),
          static_cast<T>(o.eps),
          static_cast<T>(o.momentum),
          penalty_factors<T>(o.penalty, o.lr),
          o.keras};
}

// The averages of the squares and, where centered, of the gradients; returns the variance or the
// mean square. Rounding must not make a variance negative, but NaN stays NaN.
template <class V, class T>
STRIATE_FORMULA V rmsprop_averages(const RmspropFactors<T>& f, bool centered, V g, V& square,
                                   V& mean) {
  square = fma(V::set(f.alpha), square, V::set(f.share) * g * g);
  if (!centered) return square;
  mean = fma(V::set(f.alpha), mean, V::set(f.share) * g);
  return max(V::zero(), fma(-mean, mean, square));
}

// q = g / root; v = mu v + q; w -= lr v. Keras has the rate inside: v = mu v + lr q; w -= v.
template <class V, class T>
STRIATE_FORMULA void rmsprop_update(const RmspropFactors<T>& f, bool moving, V g, V square, V& w,
                                    V& v) {
  const V rate = V::set(f.lr), bottom = root(square, f.eps, f.keras);
  w = decayed(f.penalty, w);
  if (!moving) {
    w = w - rate * g / bottom;
  } else if (f.keras) {
    v = fma(V::set(f.momentum), v, rate * g / bottom);
    w = w - v;
  } else {
    v = fma(V::set(f.momentum), v, g / bottom);
    w = fma(-rate, v, w);
  }
}

}  // namespace
}  // namespace striate::formula
