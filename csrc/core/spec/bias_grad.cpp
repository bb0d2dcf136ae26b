#include "core/spec/bias_grad.h"

#include "core/spec/shapes.h"

namespace striate::spec {

BiasGradProblem bias_grad(const char* function, const ArrayInfo& dy, int64_t axis,
                          const ArrayInfo* y) {
  check(dy.shape.rank >= 2, function, "dy must have at least 2 axes. Got shape ",
        to_string(dy.shape), ".");
  element_count(function, dy.name, dy.shape);
  if (y != nullptr) {
    check_same_dtype(function, dy, *y);
    check_shape(function, *y, dy.shape);
  }
  const int at = normalize_axis(function, axis, dy.shape.rank);
  BiasGradProblem p{dy.dtype, 1, dy.shape[at], 1};
  for (int i = 0; i < at; ++i) p.outer *= dy.shape[i];
  for (int i = at + 1; i < dy.shape.rank; ++i) p.inner *= dy.shape[i];
  return p;
}

}  // namespace striate::spec
