#include "core/plan/winograd_lanes.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

constexpr int64_t kOutputs = 4;  // of a tile along an axis
// Elements of a weight gradient's tiles, and of a chunk's pixels: they stay in a core's own cache.
constexpr int64_t kChunkElements = 128 * 1024;
constexpr int64_t kStagedElements = 16 * 1024;
// Tiles that go through the domain of frequencies at once: those of one vector of channels in the
// first cache; those of more do not fit there, and more of them spare reading the weights.
constexpr int64_t kTilesOfOneVector = 16;
constexpr int64_t kTilesOfMore = 24;
constexpr int64_t kTasks = 16;
// Tiles of a task, and from how many on it transforms its weights itself, which takes as long as
// three tiles: reading what another core has written takes longer.
constexpr int64_t kTilesOfRun = 128;
constexpr int64_t kTilesOfOwnWeights = 24;
// Beyond these a matrix product over tiles as lanes serves as well, and rows are staged whole.
constexpr int64_t kMostChannels = 64;
constexpr int64_t kMostColumns = 256;

// Even shares of at most `most`.
int64_t even(int64_t total, int64_t most) {
  return ceil_div(total, ceil_div(total, std::max<int64_t>(1, most)));
}

WinogradLanes geometry(const ConvProblem& p, int lanes, bool input_grad) {
  WinogradLanes g{};
  g.batch = p.batch;
  g.groups = p.groups;
  g.rows = p.out_channels / p.groups;
  g.channels = p.in_channels / p.groups;
  const int64_t taps = p.window.kernel_size();
  g.w_group = g.rows * g.channels * taps;
  g.w_row = g.channels * taps;
  g.w_channel = taps;
  if (input_grad) {
    g.flipped = true;
    std::swap(g.rows, g.channels);
    std::swap(g.w_row, g.w_channel);
  }
  for (int i = 0; i < 2; ++i) {
    g.src[i] = input_grad ? p.window.out[i + 1] : p.window.in[i + 1];
    g.dst[i] = input_grad ? p.window.in[i + 1] : p.window.out[i + 1];
    g.origin[i] = input_grad ? p.window.pad[i + 1] - 2 : -p.window.pad[i + 1];
    g.tiles[i] = ceil_div(g.dst[i], kOutputs);
  }
  g.lanes = lanes;
  g.members = std::clamp<int64_t>(lanes / std::max(g.rows, g.channels), 1, g.groups);
  g.blocks = ceil_div(g.groups, g.members);
  g.row_vectors = ceil_div(g.members * g.rows, lanes);
  g.channel_vectors = ceil_div(g.members * g.channels, lanes);
  return g;
}

// `wanted` chunks of a block at least, where there are units enough; of `most` tiles.
void choose_units(WinogradLanes& g, int64_t wanted, int64_t most) {
  const int64_t rows = std::max<int64_t>(1, most / g.tiles[1]);
  const int64_t share = ceil_div(wanted, g.batch);
  g.band = even(g.tiles[0], std::min(rows, ceil_div(g.tiles[0], share)));
  g.bands = ceil_div(g.tiles[0], g.band);
  g.units = g.batch * g.bands;
  const int64_t fit = std::max<int64_t>(1, most / (g.band * g.tiles[1]));
  g.units_per_chunk = even(g.units, std::min(fit, std::max<int64_t>(1, g.units / wanted)));
  g.chunks = ceil_div(g.units, g.units_per_chunk);
}

}  // namespace

Reach WinogradLanes::columns() const {
  const int64_t end = origin[1] + tiles[1] * kOutputs + 2;
  return {std::min<int64_t>(origin[1], 0), std::max(end, src[1])};
}

int64_t WinogradLanes::tiles_per_chunk() const {
  return ceil_div(units_per_chunk * band * tiles[1], kTilesTogether) * kTilesTogether;
}

int64_t WinogradLanes::stage() const { return (band * kOutputs + 2) * columns().size() * lanes; }

int64_t WinogradLanes::scratch() const {
  return (in_place() ? 1 : 2) * tiles_unit() +
         units_per_chunk * (channel_vectors * stage() + row_vectors * result()) +
         (share_weights ? 0 : block_weights());
}

int64_t WinogradLanes::weight_grad_scratch() const {
  return std::max(stage(), dy_stage()) + kFrequencies * (x_plane() + dy_plane() + sums_plane()) +
         block_result();
}

bool winograd_lanes_fit(const ConvProblem& p) {
  const Window& w = p.window;
  if (!winograd_fits(p) || w.kernel[1] != 3) return false;
  const int64_t rows = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  return p.groups > 1 && rows > 0 && channels > 0 && p.batch > 0 && w.in_size() > 0 &&
         w.out_size() > 0 && std::max(rows, channels) <= kMostChannels &&
         std::max(w.in[2], w.out[2]) <= kMostColumns;
}

WinogradLanes plan_winograd_lanes(const ConvProblem& p, int lanes, bool input_grad) {
  WinogradLanes g = geometry(p, lanes, input_grad);
  const int64_t vectors = std::max(g.row_vectors, g.channel_vectors);
  g.tiles_per_block = vectors == 1 ? kTilesOfOneVector : kTilesOfMore;
  // What is staged for a tile, and what it makes: 16 pixels each.
  const int64_t pixels = 16 * (g.row_vectors + g.channel_vectors) * lanes;
  const int64_t wanted = ceil_div(kTasks, g.blocks);
  choose_units(g, wanted, std::max<int64_t>(1, kStagedElements / pixels));
  const int64_t tiles = g.batch * g.tiles[0] * g.tiles[1];
  g.runs = std::clamp<int64_t>(std::max(wanted, tiles / kTilesOfRun), 1, g.chunks);
  g.share_weights = g.runs > 1 && tiles / g.runs < kTilesOfOwnWeights;
  return g;
}

WinogradLanes plan_winograd_lanes_weight_grad(const ConvProblem& p, int lanes) {
  WinogradLanes g = geometry(p, lanes, false);
  const int64_t wanted = ceil_div(kTasks, g.blocks);
  const int64_t tile = kFrequencies * (g.row_vectors + g.channel_vectors) * lanes;
  choose_units(g, wanted, std::max<int64_t>(1, kChunkElements / tile));
  g.splits = std::min(wanted, g.units);
  return g;
}

}  // namespace striate
