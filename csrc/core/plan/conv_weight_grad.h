// The weight gradient of a convolution as a product over pixels: blocking; see
// cpu/conv/weight_grad.kernel.cpp.
#pragma once

#include "core/plan/tile.h"
#include "core/spec/conv.h"

namespace striate {

// dw as a product over pixels: outputs as vector lanes, pairs (channel and kernel position)
// broadcast. Pixels go in blocks, and blocks in slices; a task owns some outputs and channels of a
// slice.
struct ConvWeightGrad {
  ConvProblem problem;  // the planes of a 1x1 window as single rows
  bool in_place;        // nothing is padded: pixels of x are read where they lie
  TileShape tile;

  // Pixels of a block: of several samples only if it has their whole planes.
  int64_t samples_per_block, rows_per_block, columns_per_block;
  int64_t patch_rows, patch_columns;  // of the padded input that such a block needs of a sample
  int64_t output_blocks;              // of at most tile.columns outputs, in a group
  int64_t output_shares;              // of a group's output blocks
  int64_t channel_shares;             // of a group's channels
  int64_t slices;                     // of the blocks, each with sums of its own

  int64_t row_blocks() const;
  int64_t column_blocks() const;
  int64_t blocks() const;
  int64_t shares() const { return problem.groups * output_shares * channel_shares; }

  // Elements of a task.
  int64_t most_channels() const;
  int64_t most_outputs() const;
  int64_t patch_size() const;  // of the padded input
  int64_t dy_size() const;     // of the transposed dy
  int64_t sums_size() const;
  // Elements that the slices' sums take.
  int64_t shared_sums() const { return slices > 1 ? slices * shares() * sums_size() : 0; }
  // Bytes of a task.
  int64_t scratch() const;
};

// Without workspace there is one slice.
ConvWeightGrad plan_weight_grad(const ConvProblem& problem, TileShape tile, bool workspace);

}  // namespace striate
