// Direct convolution for groups of few channels; see direct.kernel.cpp and
// direct_weight_grad.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cpu::STRIATE_ISA {

// `twin`, where it is not null, is the phase of an input gradient whose columns alternate with g's.
void direct_conv(const ImplicitGemm& g, const ImplicitGemm* twin, const float* src,
                 const float* mask, const float* w, const float* bias, bool relu, float* dst,
                 const Context& context);
void direct_conv(const ImplicitGemm& g, const ImplicitGemm* twin, const double* src,
                 const double* mask, const double* w, const double* bias, bool relu, double* dst,
                 const Context& context);

// Bytes of each thread's scratch.
size_t direct_conv_scratch(const ImplicitGemm& g, const ImplicitGemm* twin, bool doubles);

// `g` is the forward convolution's.
void direct_weight_grad(const ImplicitGemm& g, const float* dy, const float* x, const float* y,
                        float* dw, const Context& context);
void direct_weight_grad(const ImplicitGemm& g, const double* dy, const double* x, const double* y,
                        double* dw, const Context& context);
size_t direct_weight_grad_scratch(const ImplicitGemm& g, bool doubles);

}  // namespace striate::cpu::STRIATE_ISA
