// A linear layer's three products, of plain matrices: x and dy have a sample in each row, w an
// output.
#pragma once

#include "core/spec/linear.h"
#include "cuda/gemm/product.h"

namespace striate::cuda {

Product linear_forward_product(const LinearProblem& problem);      // x times w transposed
Product linear_input_grad_product(const LinearProblem& problem);   // dy times w
Product linear_weight_grad_product(const LinearProblem& problem);  // dy transposed times x

}  // namespace striate::cuda
