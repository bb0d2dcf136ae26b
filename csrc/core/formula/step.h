// What every optimizer does before its own update and after it, for any V with the operators of
// simd.h.
#pragma once

#include "core/formula/inline.h"
#include "core/spec/optimizer.h"

namespace striate::formula {
namespace {

// What gradients of this norm are multiplied by: 1 where they need no change.
STRIATE_FORMULA double clip_scale(double norm, double most) {
  const double factor = most / (norm + 1e-6);
  return factor >= 1 ? 1 : factor;
}

template <class T>
struct ClipFactors {
  T scale, limit;
};

template <class T>
inline ClipFactors<T> clip_factors(const Clip& clip) {
  return {static_cast<T>(clip.scale), static_cast<T>(clip.limit)};
}

// g in [-limit, limit]; NaN stays.
template <class V, class T>
STRIATE_FORMULA V bounded(V g, T limit) {
  const V high = V::set(limit), low = V::set(-limit);
  return select(g > high, high, select(g < low, low, g));
}

template <class V, class T>
STRIATE_FORMULA V clipped(const ClipFactors<T>& f, V g) {
  if (f.scale != T(1)) g = g * V::set(f.scale);
  return bounded(g, f.limit);
}

// a += share (w - a); a share of 1 takes w over as it is.
template <class V, class T>
STRIATE_FORMULA V averaged(V a, V w, T share) {
  return share == T(1) ? w : fma(V::set(share), w - a, a);
}

}  // namespace
}  // namespace striate::formula
