// What a linear layer is: rows of x, whatever their leading axes, times the transposed weights.
#pragma once

#include "core/shape.h"

namespace striate {

struct LinearProblem {
  DType dtype;
  int64_t rows;  // product of the leading axes
  int64_t in_features;
  int64_t out_features;
  Shape leading;

  Shape x_shape() const;
  Shape y_shape() const;
};

namespace spec {

LinearProblem linear(const char* function, const ArrayInfo& x, const ArrayInfo& w,
                     const ArrayInfo* b);
LinearProblem linear_input_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& w,
                                const ArrayInfo* y);
LinearProblem linear_weight_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* y);

}  // namespace spec
}  // namespace striate
