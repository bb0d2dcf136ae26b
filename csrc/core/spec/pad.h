// Constant padding of the two spatial axes.
#pragma once

#include "core/shape.h"
#include "core/spec/window.h"

namespace striate {

// The unpadded planes are in_height x in_width, the padded ones out_height x out_width.
struct PadProblem {
  DType dtype;
  int64_t batch;
  int64_t channels;
  int64_t in_height, in_width;
  int64_t out_height, out_width;
  int64_t top, left;

  Shape in_shape() const;
  Shape out_shape() const;
};

namespace spec {

PadProblem pad(const char* function, const ArrayInfo& x, const PaddingArg& padding);
PadProblem pad_grad(const char* function, const ArrayInfo& dy, const PaddingArg& padding);

}  // namespace spec
}  // namespace striate
