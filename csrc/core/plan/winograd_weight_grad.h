// The weight gradient by Winograd's minimal filtering: geometry and blocking; see
// cpu/conv/winograd_weight_grad.kernel.cpp.
#pragma once

#include "core/plan/tile.h"
#include "core/plan/winograd.h"

namespace striate {

struct WinogradWeightGrad {
  WinogradTiles tiles;  // of x, each beside a tile of dy_step x dy_step of dy
  int64_t dy_step;
  int stride;  // of the window: 1, or 2 with three taps
  int64_t groups;
  int64_t outputs;   // channels of dy in a group
  int64_t channels;  // of x in a group
  int64_t dst[2];    // rows and columns of a plane of dy
  int taps;          // of the filter along an axis: 3 or 5

  // Blocking.
  TileShape tile;
  int64_t tiles_per_block;  // transformed together
  int64_t tiles_per_sum;    // the terms of one sum in registers
  int64_t output_blocks;    // of at most tile.columns outputs
  int64_t panels;           // of tile.rows channels
  int64_t panels_per_task;
  int64_t slices;   // of the blocks, each with sums of its own; 1: all tasks share each block
  bool x_by_share;  // a slice transforms x share by share, beside all of a group's dy; else dy by
                    // blocks of outputs, beside all of a group's x

  int64_t blocks() const { return tiles.blocks(tiles_per_block); }
  int64_t first_tile(int64_t block) const { return tiles.first_in_block(tiles_per_block, block); }
  int64_t tiles_in(int64_t block) const { return first_tile(block + 1) - first_tile(block); }
  int64_t shares() const;  // of a group's channels
  int64_t tasks() const { return groups * output_blocks * shares(); }
  const WinogradRuns& runs() const { return winograd_runs(tiles.size); }

  // Planes: of x's tiles, of dy's, and of the sums.
  int64_t x_planes() const { return int64_t{tiles.size} * tiles.size; }
  int64_t dy_planes() const { return stride == 2 ? 25 : x_planes(); }
  int64_t frequencies() const { return stride == 2 ? kFrequencies : x_planes(); }

  // Elements.
  int64_t padded_outputs() const { return output_blocks * tile.columns; }
  int64_t pitch() const { return tiles_per_block + kTileQuantum; }  // between two channels of x
  int64_t x_plane() const;                                          // of one frequency
  int64_t dy_plane() const;
  int64_t x_unit() const { return x_planes() * x_plane(); }
  int64_t unit() const { return x_unit() + dy_planes() * dy_plane(); }  // what is held of a block
  int64_t shared_sums() const;                                          // of all tasks and slices
  int64_t products_plane() const;  // of one frequency, in a task
  int64_t products() const { return frequencies() * products_plane(); }
  int64_t sums() const;  // of a task
  // Bytes.
  int64_t workspace() const;
  int64_t stage_bytes() const;  // of what x is transformed by
  int64_t scratch() const;
};

WinogradWeightGrad plan_winograd_weight_grad(const ConvProblem& problem, TileShape tile);

}  // namespace striate
