// The weight gradient of a convolution as a product over pixels: blocking; see
// cpu/conv/weight_grad.kernel.cpp.
#pragma once

#include "core/plan/tile.h"
#include "core/spec/conv.h"

namespace striate {

// dw as a product over pixels: `outputs` rows of dy as vector lanes, `taps` (channel and kernel
// position) broadcast. Reductions are never split between tasks.
struct ConvWeightGrad {
  ConvProblem problem;
  int64_t output_block;  // rows of dw that share a transposed piece of dy
  int64_t channels_per_task;
  int64_t rows_per_block;     // output rows of one block of pixels
  int64_t columns_per_block;  // output columns of one block of pixels
  int64_t patch_rows;         // rows and columns of the padded input that such a block needs
  int64_t patch_columns;

  int64_t tasks() const;
  int64_t patch_size() const;  // elements of the padded input, one task
  int64_t dy_size() const;     // elements of the transposed dy, one task
  int64_t sums_size() const;   // elements of the accumulators, one task
};

// `tile.columns` outputs are a task's lanes.
ConvWeightGrad plan_weight_grad(const ConvProblem& problem, TileShape tile);

}  // namespace striate
