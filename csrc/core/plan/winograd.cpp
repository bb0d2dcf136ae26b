#include "core/plan/winograd.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Channels times tiles of a block: its transformed tiles, 36 times as large, stay in a core's own
// cache.
constexpr int64_t kBlockElements = 6144;
constexpr int64_t kFewestTiles = 48;
constexpr int64_t kMostTiles = 192;
// Rows times tiles whose products are held at once.
constexpr int64_t kProducts = 6144;
constexpr int64_t kSharedProducts = 16384;
constexpr int64_t kMostRows = 64;
// Weights that outgrow the tiles by this factor are not kept: writing them to memory and reading
// them back would cost more than transforming them in place.
constexpr int64_t kWeightsOverTiles = 4;
// Channels whose products are added up in registers: more would lose accuracy, fewer would reload
// the sums too often.
constexpr int64_t kWinogradDepth = 256;
constexpr int64_t kTasks = 8;

// Even shares of at most `most`.
int64_t even(int64_t total, int64_t most) { return ceil_div(total, ceil_div(total, most)); }

void choose_blocks(Winograd& g, TileShape tile) {
  g.tile = tile;
  g.row_panels = ceil_div(g.rows, tile.rows);
  const int64_t count = std::max<int64_t>(1, g.tiles.count());
  const int64_t channels = std::max<int64_t>(1, g.channels);
  const int64_t quanta = ceil_div(count, kTileQuantum);
  const int64_t most =
      std::clamp(kBlockElements / channels, kFewestTiles, kMostTiles) / kFewestTiles * 3;
  g.tiles_per_block = even(quanta, most) * kTileQuantum;
  const int64_t panels = std::max<int64_t>(1, g.row_panels);
  g.share_tiles = count * kWeightsOverTiles < g.rows;
  g.share_weights = !g.share_tiles;
  g.depth_block = even(channels, kWinogradDepth);
  if (g.share_tiles) {
    const int64_t rows =
        std::clamp(kSharedProducts / (quanta * kTileQuantum), int64_t{tile.rows}, kMostRows);
    const int64_t wanted =
        std::clamp<int64_t>(panels / kTasks, 1, std::max<int64_t>(1, rows / tile.rows));
    g.panels_per_block = even(panels, wanted);
  } else {
    const int64_t rows = std::max<int64_t>(kProducts / g.tiles_per_block, tile.rows);
    g.panels_per_block = even(panels, std::max<int64_t>(1, rows / tile.rows));
    if (g.groups * g.blocks() < kTasks) {
      g.share_tiles = true;
      const int64_t splits = ceil_div(kTasks, g.groups * g.blocks());
      g.panels_per_block = std::min(g.panels_per_block, ceil_div(panels, splits));
    }
  }
}

Winograd geometry(const ConvProblem& p) {
  Winograd g{};
  g.tiles.batch = p.batch;
  g.groups = p.groups;
  g.taps = static_cast<int>(p.window.kernel[1]);
  g.outputs = 7 - g.taps;
  g.tiles.step = g.outputs;
  return g;
}

}  // namespace

int64_t WinogradTiles::blocks(int64_t most) const {
  return ceil_div(ceil_div(count(), kTileQuantum), most / kTileQuantum);
}

int64_t WinogradTiles::first_in_block(int64_t most, int64_t block) const {
  const int64_t quanta = ceil_div(count(), kTileQuantum);
  return std::min(block * quanta / blocks(most) * kTileQuantum, count());
}

int64_t WinogradTiles::stage_pitch(int64_t most) const {
  // Room for a vector that is stored whole at a row's end.
  return std::min(tiles[1], most) * step + 6 + 16;
}

int64_t WinogradTiles::stage(int64_t most) const {
  const int64_t strips = (most - 1) / std::max<int64_t>(1, tiles[1]) + 2;
  return std::min(strips, batch * tiles[0]) * 6 * stage_pitch(most) + 64;
}

int64_t Winograd::row_blocks() const { return ceil_div(row_panels, panels_per_block); }

int64_t Winograd::panels_in(int64_t row_block) const {
  return std::min(panels_per_block, row_panels - row_block * panels_per_block);
}

int64_t Winograd::depth_blocks() const { return ceil_div(channels, depth_block); }

int64_t Winograd::shared_tiles() const {
  return share_tiles ? groups * blocks() * tiles_unit() : 0;
}

int64_t Winograd::products() const {
  const bool all = share_tiles && !share_weights;
  return (all ? blocks() : 1) * kFrequencies * products_plane();
}

int64_t Winograd::scratch() const {
  // Offsets of a block's tiles: eight bytes into the result, four into the stage, two of extent.
  int64_t bytes = tiles_per_block * 16 + 4 * stage();
  if (!share_tiles) bytes += 4 * tiles_unit();
  if (!share_weights) bytes += 4 * weights_unit(panels_per_block);
  return bytes + 4 * products() + 8 * 64;  // each of eight parts begins a line
}

bool winograd_fits(const ConvProblem& p) {
  const Window& w = p.window;
  if (p.rank != 2 || p.dtype != DType::f32 || w.kernel[1] != w.kernel[2]) return false;
  if (w.kernel[1] != 3 && w.kernel[1] != 5) return false;
  for (int i = 1; i < kSpatial; ++i)
    if (w.stride[i] != 1 || w.dilation[i] != 1) return false;
  return true;
}

Winograd plan_winograd_forward(const ConvProblem& p, TileShape tile) {
  Winograd g = geometry(p);
  g.rows = p.out_channels / p.groups;
  g.channels = p.in_channels / p.groups;
  for (int i = 0; i < 2; ++i) {
    g.tiles.src[i] = p.window.in[i + 1];
    g.dst[i] = p.window.out[i + 1];
    g.tiles.origin[i] = -p.window.pad[i + 1];
    g.tiles.tiles[i] = ceil_div(g.dst[i], g.outputs);
  }
  g.w_channel = p.window.kernel_size();
  g.w_row = g.w_channel * g.channels;
  g.w_group = g.w_row * g.rows;
  choose_blocks(g, tile);
  return g;
}

Winograd plan_winograd_input_grad(const ConvProblem& p, TileShape tile) {
  Winograd g = geometry(p);
  g.rows = p.in_channels / p.groups;
  g.channels = p.out_channels / p.groups;
  g.flipped = true;
  for (int i = 0; i < 2; ++i) {
    g.tiles.src[i] = p.window.out[i + 1];
    g.dst[i] = p.window.in[i + 1];
    g.tiles.origin[i] = p.window.pad[i + 1] - (g.taps - 1);
    g.tiles.tiles[i] = ceil_div(g.dst[i], g.outputs);
  }
  g.w_row = p.window.kernel_size();
  g.w_channel = g.w_row * g.rows;
  g.w_group = g.w_channel * g.channels;
  choose_blocks(g, tile);
  return g;
}

}  // namespace striate
