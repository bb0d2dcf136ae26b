// One step of stochastic gradient descent, for any V with the operators of simd.h.
#pragma once

#include "core/formula/inline.h"
#include "core/formula/penalty.h"

namespace striate::formula {
namespace {

template <class T>
struct SgdFactors {
  T lr;
  T momentum;
  T gradient;  // 1 - dampening
  PenaltyFactors<T> penalty;
  bool nesterov;
  bool caffe;
};

template <class T>
inline SgdFactors<T> sgd_factors(const SgdOptions& o) {
  return {static_cast<T>(o.lr),
          static_cast<T>(o.momentum),
          static_cast<T>(1 - o.dampening),
          penalty_factors<T>(o.penalty, o.lr),
          o.nesterov,
          o.caffe};
}

// v = mu v + (1 - damp) g, or g at first; w -= lr v, or lr (g + mu v) for Nesterov. Caffe's form
// has the rate inside: v = mu v + lr g; w -= v, or (1 + mu) v - mu v_old.
template <class V, class T>
STRIATE_FORMULA void sgd_momentum(const SgdFactors<T>& f, bool first, V g, V& w, V& v) {
  const V mu = V::set(f.momentum), rate = V::set(f.lr);
  g = penalized(f.penalty, g, w);
  w = decayed(f.penalty, w);
  if (f.caffe) {
    const V old = first ? V::zero() : v;
    v = fma(mu, old, rate * g);
    w = w - (f.nesterov ? fma(mu, v - old, v) : v);
  } else {
    v = first ? g : fma(mu, v, V::set(f.gradient) * g);
    w = fma(-rate, f.nesterov ? fma(mu, v, g) : v, w);
  }
}

template <class V, class T>
STRIATE_FORMULA void sgd_plain(const SgdFactors<T>& f, V g, V& w) {
  w = fma(-V::set(f.lr), penalized(f.penalty, g, w), decayed(f.penalty, w));
}

}  // namespace
}  // namespace striate::formula
