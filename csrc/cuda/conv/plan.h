// Which kernels compute a convolution on CUDA: decided from shapes, dtype, precision and
// max_workspace alone, as on the CPU, so that the bits depend on nothing else.
#pragma once

#include "core/plan/conv.h"
#include "cuda/gemm/product.h"

namespace striate::cuda {

// `masked`: a gradient is taken through a fused ReLU.
ConvPlan plan_conv(ConvDirection direction, const ConvProblem& problem, const PlanOptions& options,
                   bool masked);

// A product of one of a convolution's directions (of a phase, where that is an input gradient).
struct ConvProduct {
  Product product;
  GemmPlan gemm;
  int64_t packed_weights;  // elements of a copy that the product reads instead; 0: none

  int64_t workspace(const ConvProblem& problem) const {
    return gemm.workspace + packed_weights * static_cast<int64_t>(size_of(problem.dtype));
  }
};
ConvProduct plan_product(ConvDirection direction, const ConvProblem& problem, int64_t phase,
                         ConvAlgorithm algorithm, int64_t max_workspace);

}  // namespace striate::cuda
