// Convolution by Winograd's minimal filtering; see winograd.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/winograd.h"

namespace striate::cpu::STRIATE_ISA {

// False where a result is not finite: the transforms spread an infinity or a NaN over a whole tile,
// so the caller must compute the call again by direct sums.
bool winograd_conv(const Winograd& g, const float* src, const float* mask, const float* w,
                   const float* bias, bool relu, float* dst, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
