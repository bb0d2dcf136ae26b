// The three directions of a convolution as matrix products over implicit matrices:
//
//   direction    rows      columns               depth                  A      B
//   forward      outputs   pixels of y           channels and taps      w      x
//   input grad   channels  pixels of dx, one     outputs and the taps   w      dy
//                          phase of the stride   that meet the phase
//   weight grad  outputs   channels and taps     pixels of y            dy     x
#pragma once

#include "core/spec/conv.h"
#include "cuda/gemm/product.h"

namespace striate::cuda {

// Refuses spatial axes whose positions do not fit the index maps.
void check_positions(const ConvProblem& problem);

Product forward_product(const ConvProblem& problem);
// Of one of input_grad_phases(problem).
Product input_grad_product(const ConvProblem& problem, int64_t phase);
// All pixels of dx, over no terms: what those keep that meet no tap.
Product input_grad_fill(const ConvProblem& problem);
Product weight_grad_product(const ConvProblem& problem);

}  // namespace striate::cuda
