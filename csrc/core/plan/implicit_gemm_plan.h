// How an implicit matrix product is cut into tasks and blocks; see
// cpu/conv/implicit_gemm.kernel.cpp.
#pragma once

#include "core/plan/conv_patch.h"
#include "core/plan/tile.h"

namespace striate {

// A forward convolution is one product, an input gradient one for each phase of its pixels; these
// share a grid and their blocks.
struct ImplicitGemmPlan {
  ConvProblem problem;
  bool gradient;
  bool stacked;        // all phases are rows of one product
  bool alone;          // there are too many phases to share anything: a plan of one of them
  bool shifted;        // pixels are read where they lie in a patch; else gathered for each tap
  bool parted;         // gathered from rows that are parted modulo two first
  bool share_pixels;   // gathered once for the tasks that share them
  bool pack_weights;   // of an input gradient, once for the tasks that share them
  bool strided_dst;    // phases are summed up apart and then written together
  int64_t products;    // 0: there is nothing to compute
  int64_t phases;      // of the result
  ImplicitGemm first;  // the first product, with the grid of all

  TileShape tile;
  int64_t vector;  // lanes of the tile's vectors
  int64_t max_taps;
  int64_t total_depth;  // of all products
  int64_t taps_per_block;
  int64_t channels_per_block;
  int64_t row_panels;        // of tile.rows rows
  int64_t row_splits;        // tasks that share a block of pixels
  int64_t pixel_blocks;      // tasks that share rows
  int64_t panels_per_block;  // at most, of tile.columns pixels at most

  // Gathered pixels: all of the batch in one row.
  int64_t vectors;
  int64_t panels;

  // Shifted pixels: a block is some rows of one sample.
  int64_t rows_per_block;
  int64_t row_blocks;
  int64_t panels_per_row;  // 0: panels run on from one row to the next
  ConvPatch patch;

  ImplicitGemm product(int64_t index) const;
  void phase_offset(int64_t phase, int64_t* offset) const;  // of its first pixel in the result
  int64_t rows_per_split() const;                           // at most
  int64_t tasks() const { return pixel_blocks * first.groups * row_splits; }
  int64_t parts() const;  // blocks of the depth, of each product
  // Elements.
  int64_t packed_weights() const;  // in the workspace
  int64_t all_weights() const;     // of a forward product, packed ahead
  int64_t shared_pixels() const;   // in the workspace
  int64_t all_pixels() const { return panels * tile.columns * total_depth * first.groups; }
  int64_t pixel_elements() const;
  int64_t parted_elements() const;  // of one channel
  int64_t sum_elements() const;
};

// Where this returns a plan of one phase alone, the first, which needs the most, each phase takes a
// plan_phase_alone.
ImplicitGemmPlan plan_implicit_gemm(const ConvProblem& problem, bool gradient, TileShape tile);
ImplicitGemmPlan plan_phase_alone(const ConvProblem& problem, TileShape tile,
                                  const ImplicitGemm& phase);

}  // namespace striate
