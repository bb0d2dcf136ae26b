// The launch of a product's kernel, on the arithmetic that its plan names.
#pragma once

#include "core/context.h"
#include "cuda/gemm/arguments.h"

namespace striate::cuda {

void launch_gemm(const GemmArguments<float>& arguments, const Context& context);
void launch_gemm(const GemmArguments<double>& arguments, const Context& context);

void launch_dots(const GemmArguments<float>& arguments, const Context& context);
void launch_dots(const GemmArguments<double>& arguments, const Context& context);

}  // namespace striate::cuda
