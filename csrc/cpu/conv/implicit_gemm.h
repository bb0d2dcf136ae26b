// Convolution as a matrix product over gathered pixels; see implicit_gemm.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cpu::STRIATE_ISA {

// `shared`: the weights are packed once for all tasks, which takes a workspace.
void implicit_gemm(const ImplicitGemm& g, bool shared, const float* src, const float* mask,
                   const float* w, const float* bias, bool relu, float* dst,
                   const Context& context);
void implicit_gemm(const ImplicitGemm& g, bool shared, const double* src, const double* mask,
                   const double* w, const double* bias, bool relu, double* dst,
                   const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
