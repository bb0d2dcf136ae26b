// Winograd's minimal filtering in one dimension. In matrices, y = A^T ((G g) * (B^T d)).
// - Six products: m outputs of an r-tap filter, m + r = 7. The interpolation points are 0,
//   +-1/sqrt(2), +-sqrt(2) and infinity: powers of reciprocal points stay near 1, which loses four
//   times fewer digits than 0, +-1, +-2 does (docs/numerics.md).
// - Four products ("small"): two outputs of three taps, at the points 0, +-1 and infinity.
// - Seven products: the five taps' gradients from three values of dy, at 0, +-5/8, +-9/8 and
//   +-27/8: of three pairs and 0, these lose the fewest digits, and their powers are exact.
// - Nine products ("strided"): four outputs of three taps that move by two. The even samples meet
//   the outer taps, F(4, 2) at the points +-1/2, +-3/2 and infinity; the odd samples meet the
//   middle tap alone, to which the finite points are enough and at which its transform is the tap
//   itself. So there are six weights, and the products of both parts share a point's sum; or, in
//   the transposed form (the input gradient), a point's transformed sample.
// Source: S. Winograd, "Arithmetic complexity of computations" (1980); A. Lavin and S. Gray, "Fast
// algorithms for convolutional neural networks" (CVPR 2016), section 4.
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

// The points' magnitudes and their squares.
inline constexpr float kWinogradNear = 0.70710678118654752f;
inline constexpr float kWinogradFar = 1.4142135623730950f;
inline constexpr float kWinogradNearSquare = 0.5f;
inline constexpr float kWinogradFarSquare = 2.0f;
inline constexpr float kSevenNear = 0.625f;
inline constexpr float kSevenMiddle = 1.125f;
inline constexpr float kSevenFar = 3.375f;
inline constexpr float kSevenNearSquare = kSevenNear * kSevenNear;
inline constexpr float kSevenMiddleSquare = kSevenMiddle * kSevenMiddle;
inline constexpr float kSevenFarSquare = kSevenFar * kSevenFar;
inline constexpr float kStridedNear = 0.5f;
inline constexpr float kStridedFar = 1.5f;
inline constexpr float kStridedNearSquare = 0.25f;
inline constexpr float kStridedFarSquare = 2.25f;

inline constexpr int kStridedPoints = 5;  // with infinity, the last
inline constexpr int kStridedTile = 9;    // inputs and products of a strided tile

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

// The polynomial x (x^2 - s) (x^2 - t) (x + point) applied to d[0..6], and the same at -point.
template <class V>
STRIATE_FORMULA void winograd_input_pair(const V (&d)[7], float point, float s, float t, V* plus,
                                         V* minus) {
  const V sum = V::set(-s - t), product = V::set(s * t);
  const V even = fma(product, d[2], fma(sum, d[4], d[6]));
  const V odd = V::set(point) * fma(product, d[1], fma(sum, d[3], d[5]));
  *plus = even + odd;
  *minus = even - odd;
}

template <class V>
STRIATE_FORMULA void winograd_input(const V (&d)[7], V (&o)[7]) {
  constexpr float near = kSevenNearSquare, middle = kSevenMiddleSquare, far = kSevenFarSquare;
  o[0] = fma(V::set(-near * middle * far), d[0],
             fma(V::set(near * middle + (near + middle) * far), d[2],
                 fma(V::set(-near - middle - far), d[4], d[6])));
  winograd_input_pair(d, kSevenNear, middle, far, &o[1], &o[2]);
  winograd_input_pair(d, kSevenMiddle, near, far, &o[3], &o[4]);
  winograd_input_pair(d, kSevenFar, near, middle, &o[5], &o[6]);
}

template <class V>
STRIATE_FORMULA void winograd_input(const V (&d)[4], V (&o)[4]) {
  o[0] = d[0] - d[2];
  o[1] = d[2] + d[1];
  o[2] = d[2] - d[1];
  o[3] = d[3] - d[1];
}

// A polynomial of r taps at one pair of points +-x, scaled: even + odd and even - odd.
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
  winograd_weight_pair<r>(g, kWinogradNear, kWinogradNearSquare, -2.0f / 3.0f, &o[1], &o[2]);
  winograd_weight_pair<r>(g, kWinogradFar, kWinogradFarSquare, 1.0f / 6.0f, &o[3], &o[4]);
  o[5] = g[r - 1];
}

template <class V>
STRIATE_FORMULA void winograd_weights(const V (&g)[3], V (&o)[7]) {
  constexpr float near = kSevenNearSquare, middle = kSevenMiddleSquare, far = kSevenFarSquare;
  o[0] = V::set(-1 / (near * middle * far)) * g[0];
  winograd_weight_pair<3>(g, kSevenNear, near, 0.5f / (near * (near - middle) * (near - far)),
                          &o[1], &o[2]);
  winograd_weight_pair<3>(g, kSevenMiddle, middle,
                          0.5f / (middle * (middle - near) * (middle - far)), &o[3], &o[4]);
  winograd_weight_pair<3>(g, kSevenFar, far, 0.5f / (far * (far - near) * (far - middle)), &o[5],
                          &o[6]);
}

template <class V>
STRIATE_FORMULA void winograd_weights(const V (&g)[3], V (&o)[4]) {
  o[0] = g[0];
  winograd_weight_pair<3>(g, 1.0f, 1.0f, 0.5f, &o[1], &o[2]);
  o[3] = g[2];
}

// The k-th of m outputs weighs the product at point x by x^k; two pairs of points, near and far.
template <int m, class V>
STRIATE_FORMULA void winograd_output_pairs(const V& near_plus, const V& near_minus,
                                           const V& far_plus, const V& far_minus, float near,
                                           float near_square, float far, float far_square,
                                           V (&o)[m]) {
  const V near_even = near_plus + near_minus, near_odd = near_plus - near_minus;
  const V far_even = far_plus + far_minus, far_odd = far_plus - far_minus;
  o[0] = near_even + far_even;
  o[1] = fma(V::set(near), near_odd, V::set(far) * far_odd);
  if constexpr (m >= 3) o[2] = fma(V::set(near_square), near_even, V::set(far_square) * far_even);
  if constexpr (m >= 4)
    o[3] = fma(V::set(near_square * near), near_odd, V::set(far_square * far) * far_odd);
  if constexpr (m >= 5)
    o[4] = fma(V::set(near_square * near_square), near_even,
               V::set(far_square * far_square) * far_even);
}

// o = A^T p: infinity joins the last.
template <int m, class V>
STRIATE_FORMULA void winograd_output(const V (&p)[6], V (&o)[m]) {
  winograd_output_pairs<m>(p[1], p[2], p[3], p[4], kWinogradNear, kWinogradNearSquare, kWinogradFar,
                           kWinogradFarSquare, o);
  o[0] = p[0] + o[0];
  o[m - 1] = o[m - 1] + p[5];
}

template <class V>
STRIATE_FORMULA void winograd_output(const V (&p)[7], V (&o)[5]) {
  winograd_output_pairs<5>(p[1], p[2], p[3], p[4], kSevenNear, kSevenNearSquare, kSevenMiddle,
                           kSevenMiddleSquare, o);
  const V even = p[5] + p[6], odd = p[5] - p[6];
  o[0] = p[0] + (o[0] + even);
  o[1] = fma(V::set(kSevenFar), odd, o[1]);
  o[2] = fma(V::set(kSevenFarSquare), even, o[2]);
  o[3] = fma(V::set(kSevenFarSquare * kSevenFar), odd, o[3]);
  o[4] = fma(V::set(kSevenFarSquare * kSevenFarSquare), even, o[4]);
}

template <class V>
STRIATE_FORMULA void winograd_output(const V (&p)[4], V (&o)[2]) {
  o[0] = p[0] + (p[1] + p[2]);
  o[1] = (p[1] - p[2]) + p[3];
}

// o = B^T d of five even samples, or of four odd ones without infinity.
template <int n, class V>
STRIATE_FORMULA void winograd_strided_input(const V (&d)[n], V (&o)[n]) {
  static_assert(n == 4 || n == kStridedPoints, "");
  const V near_square = V::set(-kStridedNearSquare), far_square = V::set(-kStridedFarSquare);
  const V near_even = V::set(-0.25f) * fma(far_square, d[0], d[2]);
  const V near_odd = V::set(0.5f) * fma(far_square, d[1], d[3]);
  o[0] = near_even - near_odd;
  o[1] = near_even + near_odd;
  const V far_even = V::set(0.25f) * fma(near_square, d[0], d[2]);
  const V far_odd = V::set(1.0f / 6.0f) * fma(near_square, d[1], d[3]);
  o[2] = far_even + far_odd;
  o[3] = far_even - far_odd;
  if constexpr (n == kStridedPoints)
    o[4] = fma(V::set(kStridedNearSquare * kStridedFarSquare), d[0],
               fma(V::set(-kStridedNearSquare - kStridedFarSquare), d[2], d[4]));
}

// All of a tile's samples, of which every other one is even.
template <class V>
STRIATE_FORMULA void winograd_strided_input(const V (&d)[9], V (&o)[9]) {
  const V even[5] = {d[0], d[2], d[4], d[6], d[8]}, odd[4] = {d[1], d[3], d[5], d[7]};
  V even_points[5], odd_points[4];
  winograd_strided_input(even, even_points);
  winograd_strided_input(odd, odd_points);
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) o[i] = even_points[i];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) o[5 + i] = odd_points[i];
}

// r values as a polynomial at the five points: the outer taps, or dy of a weight gradient.
template <int r, class V>
STRIATE_FORMULA void winograd_strided_points(const V (&g)[r], V (&o)[5]) {
  winograd_weight_pair<r>(g, kStridedNear, kStridedNearSquare, 1.0f, &o[0], &o[1]);
  winograd_weight_pair<r>(g, kStridedFar, kStridedFarSquare, 1.0f, &o[2], &o[3]);
  o[4] = g[r - 1];
}

// o = G g: the outer taps at the five points, and the middle one.
template <class V>
STRIATE_FORMULA void winograd_strided_weights(const V (&g)[3], V (&o)[6]) {
  const V outer[2] = {g[0], g[2]};
  V points[5];
  winograd_strided_points(outer, points);
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) o[i] = points[i];
  o[5] = g[1];
}

// o = A^T p from five points, or the four finite ones.
template <int m, int n, class V>
STRIATE_FORMULA void winograd_strided_output(const V (&p)[n], V (&o)[m]) {
  static_assert(n == 4 || n == kStridedPoints, "");
  winograd_output_pairs<m>(p[0], p[1], p[2], p[3], kStridedNear, kStridedNearSquare, kStridedFar,
                           kStridedFarSquare, o);
  if constexpr (n == kStridedPoints) o[m - 1] = o[m - 1] + p[4];
}

// o = G^T p: the taps' gradients.
template <class V>
STRIATE_FORMULA void winograd_strided_taps(const V (&p)[6], V (&o)[3]) {
  const V points[5] = {p[0], p[1], p[2], p[3], p[4]};
  V outer[2];
  winograd_strided_output<2>(points, outer);
  o[0] = outer[0];
  o[1] = p[5];
  o[2] = outer[1];
}

}  // namespace
}  // namespace striate::formula
