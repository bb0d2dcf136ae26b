// Direct convolution for groups of few channels; see direct.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/conv_weight_grad.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cpu::STRIATE_ISA {

void direct_conv(const ImplicitGemm& g, const float* src, const float* mask, const float* w,
                 const float* bias, bool relu, float* dst, const Context& context);
void direct_conv(const ImplicitGemm& g, const double* src, const double* mask, const double* w,
                 const double* bias, bool relu, double* dst, const Context& context);

void direct_weight_grad(const ConvWeightGrad& g, const float* dy, const float* x, const float* y,
                        float* dw, const Context& context);
void direct_weight_grad(const ConvWeightGrad& g, const double* dy, const double* x, const double* y,
                        double* dw, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
