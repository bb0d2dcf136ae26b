// Convolution as a matrix product over gathered pixels; see implicit_gemm.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/implicit_gemm_plan.h"

namespace striate::cpu::STRIATE_ISA {

// `shared`: what tasks have in common is packed once for all of them, which takes a workspace.
// `packed`: null, or what implicit_gemm_pack has made of a forward's weights.
void implicit_gemm(const ImplicitGemmPlan& plan, bool shared, const float* src, const float* mask,
                   const float* w, const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context);
void implicit_gemm(const ImplicitGemmPlan& plan, bool shared, const double* src, const double* mask,
                   const double* w, const double* packed, const double* bias, bool relu,
                   double* dst, const Context& context);

void implicit_gemm_pack(const ImplicitGemmPlan& plan, const float* w, float* packed,
                        const Context& context);
void implicit_gemm_pack(const ImplicitGemmPlan& plan, const double* w, double* packed,
                        const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
