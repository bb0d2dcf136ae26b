// Max pooling's one rule, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

// Where `value` takes the place of `best`: it is greater, or the first NaN. Of equals, and of
// several NaN, the one that came first stays.
template <class V>
STRIATE_FORMULA auto wins(V value, V best) {
  return ~(value <= best) & (best == best);
}

}  // namespace
}  // namespace striate::formula
