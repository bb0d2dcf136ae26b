// Winograd's minimal filtering in one dimension, for six products: m outputs of an r-tap filter,
// m + r = 7. The interpolation points are 0, +-1/sqrt(2), +-sqrt(2) and infinity: powers of
// reciprocal points stay near 1, which loses four times fewer digits than 0, +-1, +-2 does
// (docs/numerics.md). In matrices, y = A^T ((G g) * (B^T d)).
// Source: S. Winograd, "Arithmetic complexity of computations" (1980); A. Lavin and S. Gray, "Fast
// algorithms for convolutional neural networks" (CVPR 2016), section 4.
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

inline constexpr int kWinogradTile = 6;  // inputs and products of a tile

// The points' magnitudes; their squares are 1/2 and 2.
inline constexpr float kWinogradNear = 0.70710678118654752f;
inline constexpr float kWinogradFar = 1.4142135623730950f;

// o = B^T d
template <class V>
STRIATE_FORMULA void winograd_input(const V (&d)[6], V (&o)[6]) {
  const V near = V::set(kWinogradNear), far = V::set(kWinogradFar);
  const V half = V::set(-0.5f), two = V::set(-2.0f), both = V::set(-2.5f);
  o[0] = fma(both, d[2], d[4]) + d[0];
  const V near_even = fma(two, d[2], d[4]), near_odd = near * fma(two, d[1], d[3]);
  o[1] = near_even + near_odd;
  o[2] = near_even - near_odd;
  const V far_even = fma(half, d[2], d[4]), far_odd = far * fma(half, d[1], d[3]);
  o[3] = far_even + far_odd;
  o[4] = far_even - far_odd;
  o[5] = fma(both, d[3], d[1]) + d[5];
}

// The r taps at one pair of points +-x, scaled: even + odd and even - odd.
template <int r, class V>
STRIATE_FORMULA void winograd_weight_pair(const V (&g)[r], float x, float square, float scale,
                                          V* plus, V* minus) {
  const V xx = V::set(square);
  V even, odd;
  if constexpr (r == 2) {
    even = g[0];
    odd = g[1];
  } else if constexpr (r == 3) {
    even = fma(xx, g[2], g[0]);
    odd = g[1];
  } else if constexpr (r == 4) {
    even = fma(xx, g[2], g[0]);
    odd = fma(xx, g[3], g[1]);
  } else {
    static_assert(r == 5, "");
    even = fma(xx, fma(xx, g[4], g[2]), g[0]);
    odd = fma(xx, g[3], g[1]);
  }
  even = V::set(scale) * even;
  odd = V::set(scale * x) * odd;
  *plus = even + odd;
  *minus = even - odd;
}

// o = G g
template <int r, class V>
STRIATE_FORMULA void winograd_weights(const V (&g)[r], V (&o)[6]) {
  o[0] = g[0];
  winograd_weight_pair<r>(g, kWinogradNear, 0.5f, -2.0f / 3.0f, &o[1], &o[2]);
  winograd_weight_pair<r>(g, kWinogradFar, 2.0f, 1.0f / 6.0f, &o[3], &o[4]);
  o[5] = g[r - 1];
}

// o = A^T p: the k-th output weighs the product at point x by x^k; infinity joins the last.
template <int m, class V>
STRIATE_FORMULA void winograd_output(const V (&p)[6], V (&o)[m]) {
  const V near_even = p[1] + p[2], near_odd = p[1] - p[2];
  const V far_even = p[3] + p[4], far_odd = p[3] - p[4];
  o[0] = p[0] + near_even + far_even;
  o[1] = fma(V::set(kWinogradNear), near_odd, V::set(kWinogradFar) * far_odd);
  if constexpr (m >= 3) o[2] = fma(V::set(0.5f), near_even, V::set(2.0f) * far_even);
  if constexpr (m >= 4)
    o[3] = fma(V::set(0.5f * kWinogradNear), near_odd, V::set(2.0f * kWinogradFar) * far_odd);
  if constexpr (m >= 5) o[4] = fma(V::set(0.25f), near_even, V::set(4.0f) * far_even);
  o[m - 1] = o[m - 1] + p[5];
}

}  // namespace
}  // namespace striate::formula
