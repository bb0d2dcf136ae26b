// Losses of single elements and their slopes, for any V with the operators of simd.h.
#pragma once

#include "core/formula/activation.h"
#include "core/formula/inline.h"

namespace striate::formula {
namespace {

template <class V>
struct LossAndSlope {
  V loss, slope;
};

// (pred - target)^2
template <class V>
STRIATE_FORMULA LossAndSlope<V> mse(V pred, V target) {
  const V error = pred - target;
  return {error * error, V::set(2) * error};
}

// |pred - target|, whose slope is 0 at 0.
template <class V>
STRIATE_FORMULA LossAndSlope<V> l1(V pred, V target) {
  const V error = pred - target;
  const V below = select(error < V::zero(), V::set(-1), error);  // 0 and NaN stay
  return {max(-error, error), select(error > V::zero(), V::set(1), below)};
}

// error^2 / 2 up to delta, and the tangent from there on.
template <class V>
STRIATE_FORMULA LossAndSlope<V> huber(V pred, V target, V delta) {
  const V error = pred - target, half = V::set(0.5), size = max(-error, error);
  const V far = delta * (size - half * delta);
  return {select(size <= delta, half * error * error, far), min(delta, max(-delta, error))};
}

// a * b, but 0 where a is 0 and b infinite.
template <class V>
STRIATE_FORMULA V share(V a, V b) {
  return select(a == V::zero(), a, a * b);
}

// (1 - target) log(1 + e^x) + pos_weight target log(1 + e^-x): a sum without cancellation for
// targets in [0, 1].
template <class V>
STRIATE_FORMULA LossAndSlope<V> binary_cross_entropy(V x, V target, V pos_weight) {
  const V one = V::set(1), e = exp(min(x, -x)), inverse = one / (one + e);
  const V rest = log1p_of_fraction(e), negative = one - target, positive = pos_weight * target;
  const auto above = x > V::zero();
  const V of_x = select(above, one, e) * inverse, of_minus_x = select(above, e, one) * inverse;
  return {share(negative, relu(x) + rest) + share(positive, relu(-x) + rest),
          negative * of_x - positive * of_minus_x};
}

}  // namespace
}  // namespace striate::formula
