// What running a convolution and explaining it share.
#pragma once

#include "bindings/arguments.h"
#include "core/spec/conv.h"

namespace striate::bindings {

inline spec::ConvArgs parse_conv_args(const char* function, const py::object& stride,
                                      const py::object& padding, const py::object& dilation,
                                      const py::object& groups) {
  return {parse_spatial(function, "stride", stride), parse_padding(function, padding),
          parse_spatial(function, "dilation", dilation), parse_int(function, "groups", groups)};
}

inline spec::ConvTransposeArgs parse_transposed_args(const char* function, const py::object& stride,
                                                     const py::object& padding,
                                                     const py::object& output_padding,
                                                     const py::object& dilation,
                                                     const py::object& groups) {
  return {parse_conv_args(function, stride, padding, dilation, groups),
          parse_spatial(function, "output_padding", output_padding)};
}

// The names of a family's functions for one number of spatial axes.
struct ConvFamily {
  int rank;
  const char *forward, *input_grad, *weight_grad;
};

inline constexpr ConvFamily kConv[] = {
    {1, "conv1d", "conv1d_input_grad", "conv1d_weight_grad"},
    {2, "conv2d", "conv2d_input_grad", "conv2d_weight_grad"},
    {3, "conv3d", "conv3d_input_grad", "conv3d_weight_grad"},
};
inline constexpr ConvFamily kConvTranspose[] = {
    {1, "conv_transpose1d", "conv_transpose1d_input_grad", "conv_transpose1d_weight_grad"},
    {2, "conv_transpose2d", "conv_transpose2d_input_grad", "conv_transpose2d_weight_grad"},
    {3, "conv_transpose3d", "conv_transpose3d_input_grad", "conv_transpose3d_weight_grad"},
};

}  // namespace striate::bindings
