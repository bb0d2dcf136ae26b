#pragma once

#include "core/shape.h"

namespace striate {

// dy seen as (outer, channels, inner); the sum runs over outer and inner.
struct BiasGradProblem {
  DType dtype;
  int64_t outer;
  int64_t channels;
  int64_t inner;
};

namespace spec {

BiasGradProblem bias_grad(const char* function, const ArrayInfo& dy, int64_t axis,
                          const ArrayInfo* y);

}  // namespace spec
}  // namespace striate
