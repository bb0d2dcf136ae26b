// Activations, each formula once, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

#include "core/formula/exp_log.h"
#include "core/formula/inline.h"
#include "core/formula/normal.h"

namespace striate::formula {
namespace {

// max(x, 0), and NaN where x is NaN: max(a, b) gives b when they do not compare.
template <class V>
STRIATE_FORMULA V relu(V x) {
  return max(V::zero(), x);
}

template <>
STRIATE_FORMULA float relu(float x) {
  return 0 > x ? 0 : x;
}
template <>
STRIATE_FORMULA double relu(double x) {
  return 0 > x ? 0 : x;
}

// The gradient of relu by its output: dy where y > 0, else 0; dy where y is NaN.
template <class V>
STRIATE_FORMULA V relu_grad(V dy, V y) {
  return select(y <= V::zero(), V::zero(), dy);
}

template <>
STRIATE_FORMULA float relu_grad(float dy, float y) {
  return y <= 0 ? 0 : dy;
}
template <>
STRIATE_FORMULA double relu_grad(double dy, double y) {
  return y <= 0 ? 0 : dy;
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

// What prelu's slope gets of one element: dy * x where x <= 0. Its other parts are leaky_relu's.
template <class V>
STRIATE_FORMULA V prelu_slope_grad(V dy, V x) {
  return select(x > V::zero(), V::zero(), dy * x);
}

// log(1 + e^(beta x)) / beta, or x where beta x > threshold.
template <class V>
STRIATE_FORMULA V softplus(V x, V beta, V threshold) {
  const V u = beta * x;
  const V y = (relu(u) + log1p_of_fraction(exp(min(u, -u)))) / beta;
  return select(u > threshold, x, y);
}

template <class V>
STRIATE_FORMULA V softplus_grad(V dy, V x, V beta, V threshold) {
  const V u = beta * x;
  return select(u > threshold, dy, dy * sigmoid(u));
}

// x * sigmoid(u), for a u that is -infinity at latest where x is; 0 there. The exponent is put in
// last, so that a result rounds once where it underflows.
template <class V>
STRIATE_FORMULA V times_sigmoid(V x, V u) {
  using C = ExpLog<typename V::Scalar>;
  const V lowest = V::set(C::lowest * typename V::Scalar(1.125));
  V n;
  const V bell = V::set(1) + reduced_expm1(max(lowest, min(u, -u)), V::zero(), &n);
  const V upper = select(u > V::zero(), x, ldexp(max(lowest, x) * bell, n));
  return upper / (V::set(1) + ldexp(bell, n));
}

// x sigmoid(x)
template <class V>
STRIATE_FORMULA V silu(V x) {
  return times_sigmoid(x, x);
}

// sigmoid(u) + x u' sigmoid(u) sigmoid(-u), of x sigmoid(u), for finite x.
template <class V>
STRIATE_FORMULA V times_sigmoid_slope(V x, V u, V u_slope) {
  const V one = V::set(1), e = exp(min(u, -u)), inverse = one / (one + e);
  const auto positive = u > V::zero();
  const V s = select(positive, one, e) * inverse, rest = select(positive, e, one) * inverse;
  return s * fma(x * u_slope, rest, one);
}

template <class V>
STRIATE_FORMULA V silu_grad(V dy, V x) {
  using C = ExpLog<typename V::Scalar>;
  const V farthest = V::set(-2 * C::lowest);
  const V near = min(farthest, max(-farthest, x));
  return dy * times_sigmoid_slope(near, near, V::set(1));
}

// x Phi(x), Phi being the standard normal distribution function.
template <class V>
STRIATE_FORMULA V gelu(V x) {
  const NormalTail<V> tail(x);
  const auto positive = x > V::zero();
  const V ratio = tail.ratio * tail.bell,
          below = max(V::set(-Normal<typename V::Scalar>::farthest), x);
  const V y = ldexp(select(positive, ratio, below * ratio), tail.exponent);
  return select(positive, x * (V::set(1) - y), y);
}

// dy (Phi(x) + x phi(x))
template <class V>
STRIATE_FORMULA V gelu_grad(V dy, V x) {
  const NormalTail<V> tail(x);
  const V density = V::set(0.3989422804014327);  // phi(0)
  const V slope = ldexp(tail.bell * fma(-density, tail.x, tail.ratio), tail.exponent);
  return dy * select(x > V::zero(), V::set(1) - slope, slope);
}

// x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class V>
STRIATE_FORMULA V gelu_tanh(V x) {
  const V linear = V::set(1.5957691216057308), cubic = V::set(0.07135481627260025);
  return times_sigmoid(x, x * fma(cubic, x * x, linear));
}

template <class V>
STRIATE_FORMULA V gelu_tanh_grad(V dy, V x) {
  const V linear = V::set(1.5957691216057308), cubic = V::set(0.07135481627260025);
  const V farthest = V::set(Normal<typename V::Scalar>::farthest);
  const V near = min(farthest, max(-farthest, x)), square = near * near;
  const V u_slope = fma(V::set(3) * cubic, square, linear);
  return dy * times_sigmoid_slope(near, near * fma(cubic, square, linear), u_slope);
}

// x min(max(x + 3, 0), 6) / 6
template <class V>
STRIATE_FORMULA V hardswish(V x) {
  const V three = V::set(3);
  const V between = x * (x + three) / V::set(6);
  return select(x <= -three, V::zero(), select(three <= x, x, between));
}

// The slope is 0 at -3 and 1 at 3.
template <class V>
STRIATE_FORMULA V hardswish_grad(V dy, V x) {
  const V three = V::set(3);
  const V between = dy * (x / three + V::set(0.5));
  return select(x <= -three, V::zero(), select(three <= x, dy, between));
}

}  // namespace
}  // namespace striate::formula
