// Convolution by Winograd's minimal filtering: geometry and blocking; see
// cpu/conv/winograd.kernel.cpp.
#pragma once

#include "core/plan/tile.h"
#include "core/spec/conv.h"

namespace striate {

// Planes of the source cut into overlapping tiles of size x size, numbered through (sample, row,
// column).
struct WinogradTiles {
  int64_t batch;
  int64_t src[2];     // rows and columns of a plane
  int64_t origin[2];  // of the first tile in the source; negative in the padding
  int64_t step;       // from one tile to the next
  int size;           // 6, a small tile's 4; 7 in a weight gradient of five taps; a strided
                      // window's 9, or 5 in its input gradient
  int64_t tiles[2];   // rows and columns of tiles

  int64_t count() const { return batch * tiles[0] * tiles[1]; }

  // Blocks of at most `most` tiles, a multiple of kTileQuantum; they differ by a quantum at most.
  int64_t blocks(int64_t most) const;
  int64_t first_in_block(int64_t most, int64_t block) const;
  // Elements from one row to the next, and in all, of a block's stage: rows of the source on their
  // way to the tiles, `size` for each row of tiles.
  int64_t stage_pitch(int64_t most) const;
  int64_t stage(int64_t most) const;
};

// Tiles in a block are a multiple of this on every ISA.
inline constexpr int64_t kTileQuantum = 16;
// Planes of one frequency lie this many floats further apart than they are large, so that the 36 of
// them do not fall on the same lines of a cache.
inline constexpr int64_t kPlanePadding = 80;
// Planes of transformed weights, forward and in an input gradient, but for small tiles.
inline constexpr int64_t kFrequencies = 36;
inline constexpr int64_t kSmallFrequencies = 16;

// One of the matrix products in Winograd's domain: its planes of weights, and of the two other
// arrays. Where the window moves by two (core/formula/winograd.h), products share weights, and
// points; a forward product's source is parted, its result has points, and an input gradient's have
// it the other way round. A weight gradient multiplies what is parted with points.
struct WinogradProduct {
  uint8_t weights, parted, points;
  bool first_of_points;  // the product that begins a sum
};
struct WinogradProducts {
  int count;   // planes of what is parted
  int points;  // planes of points
  WinogradProduct at[81];
};
// Ordered by points, so that the products of one sum follow one another.
const WinogradProducts& winograd_products(int64_t stride, bool small = false);

// A weight gradient's products, those of the same weights together: planes some distance apart.
struct WinogradRun {
  uint8_t weights, parted, points;
  uint8_t count, parted_step, points_step;
  bool first;  // of these weights
};
struct WinogradRuns {
  int count;
  WinogradRun at[49];
};
// `size`: samples of a tile of x along an axis.
const WinogradRuns& winograd_runs(int size);

struct Winograd {
  WinogradTiles tiles;
  int64_t groups;
  int64_t rows;      // result channels of a group
  int64_t channels;  // source channels of a group, each phase of one being a channel of its own
  int64_t dst[2];
  int64_t dst_origin[2];  // of the first tile; -1 where an input gradient's begins outside
  int taps;               // of the filter along an axis: 3, 4 or 5
  int stride;             // of the tiles' window: 1, or 2 with three taps
  int phases;             // along an axis, of a strided window that is cut into them; else 1
  bool small;             // tiles of 2x2 results of three taps: for few of them
  int outputs;   // of a tile along an axis: 7 - taps; 2; 4, or 8 in an input gradient, of stride 2
  bool flipped;  // an input gradient: filters are read back to front
  int64_t w_group, w_row, w_channel;  // of whole filters, without phases
  int64_t kernel[2];                  // likewise

  // Blocking.
  TileShape tile;
  int64_t row_panels;
  int64_t panels_per_block;  // row panels whose products are held at once
  int64_t tiles_per_block;
  int64_t depth_block;  // channels; never by blocking, so that it does not change the sums
  bool share_weights;   // transformed once, for all tasks; else block by block within a task
  bool share_tiles;     // likewise
  bool tiles_by_depth;  // a task transforms and multiplies one depth block after the other

  int64_t blocks() const { return tiles.blocks(tiles_per_block); }
  int64_t first_tile(int64_t block) const { return tiles.first_in_block(tiles_per_block, block); }
  int64_t tiles_in(int64_t block) const { return first_tile(block + 1) - first_tile(block); }
  const WinogradProducts& list() const { return winograd_products(stride, small); }
  int64_t source_planes() const { return flipped ? list().points : list().count; }
  int64_t result_planes() const { return flipped ? list().count : list().points; }
  int64_t row_blocks() const;
  int64_t panels_in(int64_t row_block) const;

  // Elements.
  int64_t weights_plane(int64_t panels) const {  // of one depth block
    return panels * tile.rows * depth_block + kPlanePadding;
  }
  int64_t weights_unit(int64_t panels) const {
    return (small ? kSmallFrequencies : kFrequencies) * weights_plane(panels);
  }
  int64_t depth_blocks() const;
  int64_t all_weights() const { return groups * depth_blocks() * weights_unit(row_panels); }
  int64_t shared_weights() const { return share_weights ? all_weights() : 0; }
  int64_t tiles_plane() const {
    return (tiles_by_depth ? depth_block : channels) * tiles_per_block + kPlanePadding;
  }
  int64_t tiles_unit() const { return source_planes() * tiles_plane(); }  // of a block, one group
  int64_t shared_tiles() const;
  int64_t products_plane() const {
    return panels_per_block * tile.rows * tiles_per_block + kPlanePadding;
  }
  int64_t products_unit() const { return result_planes() * products_plane(); }
  int64_t products() const;  // that a task holds
  int64_t stage_pitch() const { return tiles.stage_pitch(tiles_per_block); }
  int64_t stage() const { return tiles.stage(tiles_per_block); }
  // Bytes.
  int64_t workspace() const { return 4 * (shared_weights() + shared_tiles()); }
  int64_t scratch() const;
};

// Whether the window is one that the filters here fit: rank 2, square, 3 or 5 taps, stride 1; 3
// taps, stride 2; or another stride that leaves each phase of the window 3 or 4 taps.
bool winograd_fits(const ConvProblem& problem);
bool small_winograd_fits(const ConvProblem& problem);
bool strided_winograd_fits(const ConvProblem& problem);
bool polyphase_winograd_fits(const ConvProblem& problem);

Winograd plan_winograd_forward(const ConvProblem& problem, TileShape tile, bool small);
Winograd plan_winograd_input_grad(const ConvProblem& problem, TileShape tile, bool small);

}  // namespace striate
