// Convolution by Winograd's minimal filtering: geometry and blocking; see
// cpu/conv/winograd.kernel.cpp.
#pragma once

#include "core/plan/tile.h"
#include "core/spec/conv.h"

namespace striate {

// Planes of the source cut into overlapping 6 x 6 tiles, numbered through (sample, row, column).
struct WinogradTiles {
  int64_t batch;
  int64_t src[2];     // rows and columns of a plane
  int64_t origin[2];  // of the first tile; negative in the padding
  int64_t step;       // from one tile to the next
  int64_t tiles[2];   // rows and columns of tiles

  int64_t count() const { return batch * tiles[0] * tiles[1]; }

  // Blocks of at most `most` tiles, a multiple of kTileQuantum; they differ by a quantum at most.
  int64_t blocks(int64_t most) const;
  int64_t first_in_block(int64_t most, int64_t block) const;
  // Elements from one row to the next, and in all, of a block's stage: rows of the source on their
  // way to the tiles.
  int64_t stage_pitch(int64_t most) const;
  int64_t stage(int64_t most) const;
};

// Tiles in a block are a multiple of this on every ISA.
inline constexpr int64_t kTileQuantum = 16;
// Planes of one frequency lie this many floats further apart than they are large, so that the 36 of
// them do not fall on the same lines of a cache.
inline constexpr int64_t kPlanePadding = 80;
inline constexpr int64_t kFrequencies = 36;

struct Winograd {
  WinogradTiles tiles;
  int64_t groups;
  int64_t rows;      // result channels of a group
  int64_t channels;  // source channels of a group
  int64_t dst[2];
  int taps;      // of the filter along an axis: 3 or 5
  int outputs;   // of a tile along an axis: 7 - taps
  bool flipped;  // an input gradient: filters are read back to front
  int64_t w_group, w_row, w_channel;

  // Blocking.
  TileShape tile;
  int64_t row_panels;
  int64_t panels_per_block;  // row panels whose products are held at once
  int64_t tiles_per_block;
  int64_t depth_block;  // channels; never by blocking, so that it does not change the sums
  bool share_weights;   // transformed once, for all tasks; else block by block within a task
  bool share_tiles;     // likewise

  int64_t blocks() const { return tiles.blocks(tiles_per_block); }
  int64_t first_tile(int64_t block) const { return tiles.first_in_block(tiles_per_block, block); }
  int64_t tiles_in(int64_t block) const { return first_tile(block + 1) - first_tile(block); }
  int64_t row_blocks() const;
  int64_t panels_in(int64_t row_block) const;

  // Elements.
  int64_t weights_plane(int64_t panels) const {  // of one depth block
    return panels * tile.rows * depth_block + kPlanePadding;
  }
  int64_t weights_unit(int64_t panels) const { return kFrequencies * weights_plane(panels); }
  int64_t depth_blocks() const;
  int64_t all_weights() const { return groups * depth_blocks() * weights_unit(row_panels); }
  int64_t shared_weights() const { return share_weights ? all_weights() : 0; }
  int64_t tiles_plane() const { return channels * tiles_per_block + kPlanePadding; }
  int64_t tiles_unit() const { return kFrequencies * tiles_plane(); }  // of a block, one group
  int64_t shared_tiles() const;
  int64_t products_plane() const {
    return panels_per_block * tile.rows * tiles_per_block + kPlanePadding;
  }
  int64_t products() const;  // that a task holds
  int64_t stage_pitch() const { return tiles.stage_pitch(tiles_per_block); }
  int64_t stage() const { return tiles.stage(tiles_per_block); }
  // Bytes.
  int64_t workspace() const { return 4 * (shared_weights() + shared_tiles()); }
  int64_t scratch() const;
};

// Whether the window is one that the filters here fit: rank 2, square, 3 or 5 taps, stride 1.
bool winograd_fits(const ConvProblem& problem);

Winograd plan_winograd_forward(const ConvProblem& problem, TileShape tile);
Winograd plan_winograd_input_grad(const ConvProblem& problem, TileShape tile);

}  // namespace striate
