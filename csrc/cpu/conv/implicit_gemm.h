// Convolution as a matrix product over gathered pixels; see implicit_gemm.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cpu::STRIATE_ISA {

// `shared`: the weights are packed once for all tasks, which takes a workspace, unless `packed` is
// what implicit_gemm_pack has made of them.
void implicit_gemm(const ImplicitGemm& g, bool shared, const float* src, const float* mask,
                   const float* w, const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context);
void implicit_gemm(const ImplicitGemm& g, bool shared, const double* src, const double* mask,
                   const double* w, const double* packed, const double* bias, bool relu,
                   double* dst, const Context& context);

void implicit_gemm_pack(const ImplicitGemm& g, const float* w, float* packed,
                        const Context& context);
void implicit_gemm_pack(const ImplicitGemm& g, const double* w, double* packed,
                        const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
