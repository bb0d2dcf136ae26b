// What a convolution is: its checked arguments and shapes.
#pragma once

#include "core/spec/window.h"

namespace striate {

struct ConvProblem {
  DType dtype;
  int64_t batch;
  int64_t in_channels;   // C
  int64_t out_channels;  // C_out
  int64_t groups;
  Window window;
  int rank;  // spatial axes that the user sees

  Shape x_shape() const;
  Shape y_shape() const;
  Shape w_shape() const;
  // Of the direct sum: a multiplication and an addition for each term.
  double flops() const;
};

namespace spec {

struct ConvArgs {
  SpatialArg stride;
  PaddingArg padding;
  SpatialArg dilation;
  int64_t groups;
};

ConvProblem conv(const char* function, int rank, const ArrayInfo& x, const ArrayInfo& w,
                 const ArrayInfo* b, const ConvArgs& args);
// `y` where the activation's mask is asked for.
ConvProblem conv_input_grad(const char* function, int rank, const ArrayInfo& dy, const ArrayInfo& w,
                            const Shape& x_shape, const ArrayInfo* y, const ConvArgs& args);
ConvProblem conv_weight_grad(const char* function, int rank, const ArrayInfo& dy,
                             const ArrayInfo& x, const Shape& w_shape, const ArrayInfo* y,
                             const ConvArgs& args);

struct ConvTransposeArgs : ConvArgs {
  SpatialArg output_padding;
};

// A transposed convolution is the input gradient of the convolution that these return: the
// problem's x is the transposed one's output, its y the input. Gradients swap likewise.
ConvProblem conv_transpose(const char* function, int rank, const ArrayInfo& x, const ArrayInfo& w,
                           const ArrayInfo* b, const ConvTransposeArgs& args);
ConvProblem conv_transpose_input_grad(const char* function, int rank, const ArrayInfo& dy,
                                      const ArrayInfo& w, const Shape& x_shape,
                                      const ConvTransposeArgs& args);
ConvProblem conv_transpose_weight_grad(const char* function, int rank, const ArrayInfo& dy,
                                       const ArrayInfo& x, const Shape& w_shape,
                                       const ConvTransposeArgs& args);

}  // namespace spec
}  // namespace striate
