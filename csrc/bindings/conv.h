// What running a convolution and explaining it share.
#pragma once

#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "core/plan/conv.h"

namespace striate::bindings {

inline spec::ConvArgs parse_conv_args(const char* function, const py::object& stride,
                                      const py::object& padding, const py::object& dilation,
                                      const py::object& groups) {
  return {parse_spatial(function, "stride", stride), parse_padding(function, padding),
          parse_spatial(function, "dilation", dilation), parse_int(function, "groups", groups)};
}

// The plan of the current instruction set and options.
template <class T>
ConvPlan plan_for(ConvDirection direction, const ConvProblem& problem) {
  const ConvTiles tiles{kernels<T>().conv->tile, kernels<T>().conv_weight_grad->tile};
  return plan_conv(direction, problem, tiles, plan_options());
}

}  // namespace striate::bindings
