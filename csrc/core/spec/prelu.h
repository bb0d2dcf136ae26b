// A rectifier whose slope below 0 is learned: one for all, or one for each channel.
#pragma once

#include "core/shape.h"

namespace striate {

// x seen as (outer, channels, inner), with a slope for each channel.
struct PreluProblem {
  DType dtype;
  int64_t outer;
  int64_t channels;
  int64_t inner;
};

namespace spec {

PreluProblem prelu(const char* function, const ArrayInfo& x, const ArrayInfo& weight);
PreluProblem prelu_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                        const ArrayInfo& weight);

}  // namespace spec
}  // namespace striate
