// Winograd's minimal filtering of convolutions in groups, channels as lanes; see
// winograd_lanes.kernel.cpp and winograd_lanes_weight_grad.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/winograd_lanes.h"

namespace striate::cpu::STRIATE_ISA {

// False where a result is not finite: the call must then be computed again by direct sums.
bool winograd_lanes_conv(const WinogradLanes& g, const float* src, const float* mask,
                         const float* w, const float* bias, bool relu, float* dst,
                         const Context& context);

// `y` masks dy, or is null. False as above.
bool winograd_lanes_weight_grad(const WinogradLanes& g, const float* dy, const float* x,
                                const float* y, float* dw, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
