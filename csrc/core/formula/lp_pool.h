// Lp pooling, y = (sum of |x|^p)^(1/p), for any V with the operators of simd.h. Exponents but
// 1, 2 and 4 go through exp and log, whose relative error is some 1 + p |ln x| units in the last
// place.
#pragma once

#include "core/formula/exp_log.h"
#include "core/formula/inline.h"

namespace striate::formula {
namespace {

enum class LpNorm { one, two, four, any };

// |x|^p, 0 at 0.
template <LpNorm norm, class V>
STRIATE_FORMULA V lp_term(V x, [[maybe_unused]] V p) {
  if constexpr (norm == LpNorm::one) {
    return max(x, -x);
  } else if constexpr (norm == LpNorm::two) {
    return x * x;
  } else if constexpr (norm == LpNorm::four) {
    const V square = x * x;
    return square * square;
  } else {
    return exp(p * log(max(x, -x)));
  }
}

// sum^(1/p)
template <LpNorm norm, class V>
STRIATE_FORMULA V lp_root(V sum, [[maybe_unused]] V inverse_p) {
  if constexpr (norm == LpNorm::one) {
    return sum;
  } else if constexpr (norm == LpNorm::two) {
    return sqrt(sum);
  } else if constexpr (norm == LpNorm::four) {
    return sqrt(sqrt(sum));
  } else {
    return exp(inverse_p * log(sum));
  }
}

// The gradient is the product of dy y^(1-p), a window's share, and sign(x) |x|^(p-1), an element's
// slope. Each is 0 where y or x is 0.
template <LpNorm norm, class V>
STRIATE_FORMULA V lp_share(V dy, V y, [[maybe_unused]] V one_minus_p) {
  if constexpr (norm == LpNorm::one) {
    return dy;
  } else if constexpr (norm == LpNorm::two) {
    return select(y == V::zero(), V::zero(), dy / y);
  } else if constexpr (norm == LpNorm::four) {
    return select(y == V::zero(), V::zero(), dy / (y * y * y));
  } else {
    return select(y == V::zero(), V::zero(), dy * exp(one_minus_p * log(y)));
  }
}

template <LpNorm norm, class V>
STRIATE_FORMULA V lp_slope(V x, [[maybe_unused]] V p_minus_one) {
  if constexpr (norm == LpNorm::two) {
    return x;
  } else if constexpr (norm == LpNorm::four) {
    return x * x * x;
  } else {
    V size = V::set(1);
    if constexpr (norm == LpNorm::any) size = exp(p_minus_one * log(max(x, -x)));
    return select(x > V::zero(), size, select(x < V::zero(), -size, x));  // 0 and NaN stay
  }
}

}  // namespace
}  // namespace striate::formula
