// Channels of each sample times numbers of their own, as squeeze-and-excitation does.
#pragma once

#include "core/shape.h"

namespace striate {

// x seen as (planes, inner), with a scale for each plane.
struct ScaleChannelsProblem {
  DType dtype;
  int64_t planes;
  int64_t inner;
};

namespace spec {

ScaleChannelsProblem scale_channels(const char* function, const ArrayInfo& x,
                                    const ArrayInfo& scale);
ScaleChannelsProblem scale_channels_grad(const char* function, const ArrayInfo& dy,
                                         const ArrayInfo& x, const ArrayInfo& scale);

}  // namespace spec
}  // namespace striate
