#include "core/spec/softmax.h"

#include "core/spec/shapes.h"

namespace striate::spec {

SoftmaxProblem softmax(const char* function, const ArrayInfo& x, int64_t axis) {
  check(x.shape.rank > 0, function, x.name, " must have at least 1 axis. Got shape ().");
  const int place = normalize_axis(function, axis, x.shape.rank);
  SoftmaxProblem p{x.dtype, 1, x.shape[place], 1};
  if (element_count(function, x.name, x.shape) == 0) return {x.dtype, 0, 0, 0};
  for (int i = 0; i < place; ++i) p.outer *= x.shape[i];
  for (int i = place + 1; i < x.shape.rank; ++i) p.inner *= x.shape[i];
  return p;
}

SoftmaxProblem softmax_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& y,
                            int64_t axis) {
  check_same_dtype(function, dy, y);
  check_shape(function, y, dy.shape);
  return softmax(function, dy, axis);
}

}  // namespace striate::spec
