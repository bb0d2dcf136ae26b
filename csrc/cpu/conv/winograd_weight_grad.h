// The weight gradient by Winograd's minimal filtering; see winograd_weight_grad.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/winograd_weight_grad.h"

namespace striate::cpu::STRIATE_ISA {

// `y` masks dy, or is null. False where a sum is not finite: dw is then to be computed directly.
bool winograd_weight_grad(const WinogradWeightGrad& g, const float* dy, const float* x,
                          const float* y, float* dw, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
