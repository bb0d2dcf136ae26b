// Softmax along one axis.
#pragma once

#include "core/shape.h"

namespace striate {

// Seen as (outer, classes, inner), the middle one being the axis.
struct SoftmaxProblem {
  DType dtype;
  int64_t outer;
  int64_t classes;
  int64_t inner;
};

namespace spec {

SoftmaxProblem softmax(const char* function, const ArrayInfo& x, int64_t axis);
SoftmaxProblem softmax_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& y,
                            int64_t axis);

}  // namespace spec
}  // namespace striate
