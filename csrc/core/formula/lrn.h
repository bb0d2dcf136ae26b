// Local response normalisation, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

#include "core/formula/inline.h"
#include "core/formula/pow.h"

namespace striate::formula {
namespace {

// The exponents that square roots give; any other needs a logarithm.
enum class Power { half, three_quarters, one, any };

// t^-beta; minus_beta is read for Power::any only. There negative t give NaN.
template <Power power, class V>
STRIATE_FORMULA V inverse_power(V t, V one, [[maybe_unused]] V minus_beta) {
  if constexpr (power == Power::half) {
    return one / sqrt(t);
  } else if constexpr (power == Power::three_quarters) {
    const V root = sqrt(t);
    return one / (root * sqrt(root));
  } else if constexpr (power == Power::one) {
    return one / t;
  } else {
    return pow(t, minus_beta);
  }
}

}  // namespace
}  // namespace striate::formula
