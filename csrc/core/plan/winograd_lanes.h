// Winograd's minimal filtering of convolutions in groups, channels as vector lanes: geometry and
// blocking; see cpu/conv/winograd_lanes.kernel.cpp.
#pragma once

#include "core/plan/group_lanes.h"
#include "core/plan/winograd.h"
#include "core/spec/conv.h"

namespace striate {

struct WinogradLanes {
  int64_t batch;
  int64_t groups;
  int64_t rows;      // result channels of a group; in a weight gradient, those of dy
  int64_t channels;  // source channels of a group
  int64_t src[2];
  int64_t dst[2];  // in a weight gradient, dy's
  int64_t origin[2];
  int64_t tiles[2];  // of a plane
  bool flipped;      // an input gradient: filters are read back to front
  int64_t w_group, w_row, w_channel;
  int lanes;

  // Blocking.
  int64_t members;  // groups in a block: few channels share a vector, with zeros between groups
  int64_t blocks;   // of groups
  int64_t row_vectors, channel_vectors;  // of a block
  int64_t band, bands;                   // rows of tiles in a unit; units of a plane
  int64_t units;                         // (sample, band) of the whole batch
  int64_t units_per_chunk;               // that are staged at once
  int64_t chunks;                        // of a block's units
  int64_t runs;                          // of a block's chunks, one for a task
  bool share_weights;       // of a block, transformed once; else again by each of its tasks
  int64_t tiles_per_block;  // that go through the domain of frequencies at once
  int64_t splits;           // a weight gradient's shares of the units, each with sums of its own

  int64_t groups_in(int64_t block) const {
    return members < groups - block * members ? members : groups - block * members;
  }
  int64_t width() const { return row_vectors * lanes; }
  // The source's columns that a unit stages, and the most rows.
  Reach columns() const;
  int64_t tiles_per_chunk() const;  // a multiple of kTilesTogether

  // Whether products take the place of what they are made of.
  bool in_place() const { return row_vectors <= 2; }

  // Elements.
  int64_t stage() const;  // a unit's source, of one vector of channels
  int64_t result() const { return 4 * band * dst[1] * lanes; }
  int64_t tiles_unit() const {  // a block of tiles: source or products
    const int64_t vectors = row_vectors > channel_vectors ? row_vectors : channel_vectors;
    return kFrequencies * vectors * tiles_per_block * lanes;
  }
  int64_t weights_plane() const { return members * channels * width() + kPlanePadding; }
  int64_t block_weights() const { return kFrequencies * weights_plane(); }
  int64_t shared_weights() const { return share_weights ? blocks * block_weights() : 0; }
  // Of a weight gradient.
  int64_t dy_stage() const { return 16 * band * tiles[1] * lanes; }
  int64_t x_plane() const { return channel_vectors * tiles_per_chunk() * lanes + kPlanePadding; }
  int64_t dy_plane() const { return row_vectors * tiles_per_chunk() * lanes + kPlanePadding; }
  int64_t sums_plane() const { return channel_vectors * lanes * width() + kPlanePadding; }
  int64_t block_result() const { return channels * 9 * width(); }
  int64_t shared_sums() const { return splits > 1 ? blocks * splits * block_result() : 0; }
  int64_t scratch() const;
  int64_t weight_grad_scratch() const;
};

// Tiles that are multiplied together at least.
inline constexpr int64_t kTilesTogether = 4;

// Whether the window, the planes and the groups are ones that this serves: 3x3, stride 1.
bool winograd_lanes_fit(const ConvProblem& problem);

WinogradLanes plan_winograd_lanes(const ConvProblem& problem, int lanes, bool input_grad);
WinogradLanes plan_winograd_lanes_weight_grad(const ConvProblem& problem, int lanes);

}  // namespace striate
