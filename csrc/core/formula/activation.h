// Activations, each formula once, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

#include "core/formula/exp_log.h"
#include "core/formula/inline.h"

namespace striate::formula {
namespace {

// max(x, 0), and NaN where x is NaN: max(a, b) gives b when they do not compare.
template <class V>
STRIATE_FORMULA V relu(V x) {
  return max(V::zero(), x);
}

// The gradient of relu by its output: dy where y > 0, else 0; dy where y is NaN.
template <class V>
STRIATE_FORMULA V relu_grad(V dy, V y) {
  return select(y <= V::zero(), V::zero(), dy);
}

// x where x > 0, else slope * x.
template <class V>
STRIATE_FORMULA V leaky_relu(V x, V slope) {
  return select(x > V::zero(), x, slope * x);
}

// The gradient of leaky_relu by its input.
template <class V>
STRIATE_FORMULA V leaky_relu_grad(V dy, V x, V slope) {
  return select(x > V::zero(), dy, slope * dy);
}

// x where x > 0, else alpha * (e^x - 1).
template <class V>
STRIATE_FORMULA V elu(V x, V alpha) {
  return select(x > V::zero(), x, alpha * expm1(min(V::zero(), x)));
}

// The gradient of elu by its output: alpha * e^x = y + alpha where x <= 0.
template <class V>
STRIATE_FORMULA V elu_grad(V dy, V y, V alpha) {
  return select(y > V::zero(), dy, dy * (y + alpha));
}

// 1 / (1 + e^-x), from the exponential that cannot overflow.
template <class V>
STRIATE_FORMULA V sigmoid(V x) {
  const V one = V::set(1);
  const V e = exp(min(x, -x));
  return select(x > V::zero(), one, e) / (one + e);
}

// The gradient of sigmoid by its output.
template <class V>
STRIATE_FORMULA V sigmoid_grad(V dy, V y) {
  return dy * (y * (V::set(1) - y));
}

// tanh |x| = -t / (t + 2) with t = e^(-2|x|) - 1, which loses no digits near 0.
template <class V>
STRIATE_FORMULA V tanh(V x) {
  const V t = expm1(V::set(2) * min(x, -x));
  const V y = -t / (t + V::set(2));
  return select(x < V::zero(), -y, select(x == V::zero(), x, y));
}

// The gradient of tanh by its output.
template <class V>
STRIATE_FORMULA V tanh_grad(V dy, V y) {
  return dy * ((V::set(1) - y) * (V::set(1) + y));
}

}  // namespace
}  // namespace striate::formula
