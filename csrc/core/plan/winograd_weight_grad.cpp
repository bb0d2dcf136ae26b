#include "core/plan/winograd_weight_grad.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// A slice's block of tiles, transformed, fits a core's own cache for a few hundred channels.
constexpr int64_t kSliceQuanta = 64 / kTileQuantum;
// Strided windows: x is transformed some channels at a time, so that more tiles fit.
constexpr int64_t kStridedSliceQuanta = 128 / kTileQuantum;
constexpr int64_t kStridedPanels = 2;
// Seven points magnify what a sum loses as it grows.
constexpr int64_t kSevenTilesPerSum = 16;
// Enough slices for threads to share, unless the sums of one are too many to be kept near.
constexpr int64_t kFewestSlices = 4;
constexpr int64_t kMostSlices = 16;
constexpr int64_t kSliceElements = int64_t{1} << 20;
// A shared block: more tiles fall out of the caches between the two regions.
constexpr int64_t kSharedQuanta = 128 / kTileQuantum;
// Enough tasks for many threads to share them evenly; a task of many panels rereads less of dy.
constexpr int64_t kTasks = 16;
constexpr int64_t kMostPanels = 4;

// Even shares of at most `most`.
int64_t even(int64_t total, int64_t most) { return ceil_div(total, ceil_div(total, most)); }

}  // namespace

int64_t WinogradWeightGrad::shares() const { return ceil_div(panels, panels_per_task); }

int64_t WinogradWeightGrad::x_plane() const {
  const int64_t held = slices == 1  ? groups * channels
                       : x_by_share ? panels_per_task * tile.rows
                                    : channels;
  return held * pitch() + kPlanePadding;
}

int64_t WinogradWeightGrad::dy_plane() const {
  const int64_t held = slices == 1  ? groups * padded_outputs()
                       : x_by_share ? padded_outputs()
                                    : tile.columns;
  return held * tiles_per_block + kPlanePadding;
}

int64_t WinogradWeightGrad::sums() const {
  return panels_per_task * tile.rows * taps * taps * tile.columns;
}

int64_t WinogradWeightGrad::shared_sums() const {
  return blocks() > 1 ? slices * tasks() * sums() : 0;
}

int64_t WinogradWeightGrad::products_plane() const {
  return panels_per_task * tile.rows * tile.columns + kPlanePadding;
}

int64_t WinogradWeightGrad::workspace() const {
  return 4 * ((slices == 1 ? unit() : 0) + shared_sums());
}

int64_t WinogradWeightGrad::stage_bytes() const {
  return (tiles_per_block + 15) / 16 * 64 + (4 * tiles.stage(tiles_per_block) + 63) / 64 * 64;
}

int64_t WinogradWeightGrad::scratch() const {
  return stage_bytes() + 4 * (products() + sums() + (slices == 1 ? 0 : unit()));
}

WinogradWeightGrad plan_winograd_weight_grad(const ConvProblem& p, TileShape tile) {
  WinogradWeightGrad g{};
  g.groups = p.groups;
  g.outputs = p.out_channels / p.groups;
  g.channels = p.in_channels / p.groups;
  g.taps = static_cast<int>(p.window.kernel[1]);
  g.tiles.batch = p.batch;
  g.stride = static_cast<int>(p.window.stride[1]);
  g.tiles.size = g.stride == 2 ? 9 : g.taps == 5 ? 7 : 6;
  g.dy_step = g.stride == 2 ? 4 : g.tiles.size + 1 - g.taps;
  g.tiles.step = g.dy_step * g.stride;
  for (int i = 0; i < 2; ++i) {
    g.tiles.src[i] = p.window.in[i + 1];
    g.dst[i] = p.window.out[i + 1];
    g.tiles.origin[i] = -p.window.pad[i + 1];
    g.tiles.tiles[i] = ceil_div(g.dst[i], g.dy_step);
  }
  g.tile = tile;
  g.output_blocks = ceil_div(g.outputs, tile.columns);
  g.panels = ceil_div(g.channels, tile.rows);
  g.tiles_per_sum = g.tiles.size == 7 ? kSevenTilesPerSum : INT64_MAX;
  const int64_t quanta = ceil_div(g.tiles.count(), kTileQuantum);
  const int64_t terms = p.out_channels * g.channels * g.taps * g.taps;
  if (quanta >= kFewestSlices * kSliceQuanta / 2 && terms <= kSliceElements) {
    const bool strided = g.stride == 2;
    const int64_t most = std::clamp(ceil_div(quanta, kFewestSlices), kSliceQuanta / 2,
                                    strided ? kStridedSliceQuanta : kSliceQuanta);
    g.tiles_per_block = even(quanta, most) * kTileQuantum;
    g.slices = ceil_div(g.blocks(), ceil_div(g.blocks(), kMostSlices));
    g.panels_per_task = even(g.panels, strided ? kStridedPanels : kMostPanels);
    g.x_by_share = strided;
    return g;
  }
  g.slices = 1;
  g.tiles_per_block = even(quanta, kSharedQuanta) * kTileQuantum;
  const int64_t panels = g.groups * g.output_blocks * g.panels;
  g.panels_per_task = even(g.panels, std::clamp<int64_t>(panels / kTasks, 1, kMostPanels));
  return g;
}

}  // namespace striate
