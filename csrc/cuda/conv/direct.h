// Convolution with few channels in a group.
#pragma once

#include "core/context.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cuda {

// A forward convolution, or a phase of an input gradient. `mask` is the output of the ReLU whose
// gradient is taken of src, or null; so may bias be.
void direct_conv(const ImplicitGemm& geometry, const float* src, const float* mask, const float* w,
                 const float* bias, bool relu, float* dst, const Context& context);
void direct_conv(const ImplicitGemm& geometry, const double* src, const double* mask,
                 const double* w, const double* bias, bool relu, double* dst,
                 const Context& context);

}  // namespace striate::cuda
