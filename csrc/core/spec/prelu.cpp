#include "core/spec/prelu.h"

#include "core/spec/shapes.h"

namespace striate::spec {

PreluProblem prelu(const char* function, const ArrayInfo& x, const ArrayInfo& weight) {
  check_same_dtype(function, x, weight);
  const int64_t count = element_count(function, x.name, x.shape);
  const int64_t channels = x.shape.rank >= 2 ? x.shape[1] : 1;
  const bool shared = weight.shape == make_shape(int64_t{1});
  check(shared || weight.shape == make_shape(channels), function,
        "weight must be (1,), or (C,) for x of shape (N, C, ...). Got weight ",
        to_string(weight.shape), ", x ", to_string(x.shape), ".");
  if (shared) return {x.dtype, count > 0 ? 1 : 0, 1, count};
  if (count == 0) return {x.dtype, 0, channels, 0};
  PreluProblem p{x.dtype, x.shape[0], channels, 1};
  for (int i = 2; i < x.shape.rank; ++i) p.inner *= x.shape[i];
  return p;
}

PreluProblem prelu_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                        const ArrayInfo& weight) {
  check_same_dtype(function, dy, x);
  check_shape(function, x, dy.shape);
  return prelu(function, x, weight);
}

}  // namespace striate::spec
