#include "core/spec/scale_channels.h"

#include "core/spec/shapes.h"

namespace striate::spec {

ScaleChannelsProblem scale_channels(const char* function, const ArrayInfo& x,
                                    const ArrayInfo& scale) {
  check(x.shape.rank >= 2, function, x.name, " must have at least 2 axes (N, C, ...). Got shape ",
        to_string(x.shape), ".");
  check_same_dtype(function, x, scale);
  check_shape(function, scale, make_shape(x.shape[0], x.shape[1]));
  const bool empty = element_count(function, x.name, x.shape) == 0;
  ScaleChannelsProblem p{x.dtype, element_count(function, scale.name, scale.shape), empty ? 0 : 1};
  for (int i = 2; i < x.shape.rank && !empty; ++i) p.inner *= x.shape[i];
  return p;
}

ScaleChannelsProblem scale_channels_grad(const char* function, const ArrayInfo& dy,
                                         const ArrayInfo& x, const ArrayInfo& scale) {
  check_same_dtype(function, dy, x);
  check_shape(function, dy, x.shape);
  return scale_channels(function, x, scale);
}

}  // namespace striate::spec
