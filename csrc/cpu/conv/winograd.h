// Convolution by Winograd's minimal filtering; see winograd.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/winograd.h"

namespace striate::cpu::STRIATE_ISA {

// Filters transformed once, for any number of calls: g.all_weights() elements, whose layout depends
// on the filters' shape alone.
void winograd_pack(const Winograd& g, const float* w, float* packed, const Context& context);

// `packed` is what winograd_pack made of w, or null. False where a result is not finite: the
// transforms spread an infinity or a NaN over a whole tile, so the caller must compute the call
// again by direct sums.
bool winograd_conv(const Winograd& g, const float* src, const float* mask, const float* w,
                   const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
