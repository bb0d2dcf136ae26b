// Activations, each formula once, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

namespace striate::formula {
namespace {

// max(x, 0), and NaN where x is NaN: max(a, b) gives b when they do not compare.
template <class V>
inline __attribute__((always_inline)) V relu(V x) {
  return max(V::zero(), x);
}

// The gradient of relu by its output: dy where y > 0, else 0; dy where y is NaN.
template <class V>
inline __attribute__((always_inline)) V relu_grad(V dy, V y) {
  return select(y <= V::zero(), V::zero(), dy);
}

}  // namespace
}  // namespace striate::formula
