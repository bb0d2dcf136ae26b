#include "core/plan/winograd.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Channels times tiles of a block: its transformed tiles, 36 times as large, stay in a core's own
// cache. Strided windows have more planes, and so fewer tiles.
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
// Of a strided window's source: one depth block of tiles, which are 81 times as large, and all
// rows' products stay in a core's own cache. Four products have one sum.
constexpr int64_t kStridedTiles = 32;
constexpr int64_t kStridedDepth = 32;
constexpr int64_t kStridedProducts = 16384;
constexpr int64_t kTasks = 8;
constexpr int64_t kStridedTasks = 4;  // fewer: sharing costs more than transforming in place

// Even shares of at most `most`.
int64_t even(int64_t total, int64_t most) { return ceil_div(total, ceil_div(total, most)); }

void choose_blocks(Winograd& g, TileShape tile) {
  g.tile = tile;
  g.row_panels = ceil_div(g.rows, tile.rows);
  const int64_t count = std::max<int64_t>(1, g.tiles.count());
  const int64_t channels = std::max<int64_t>(1, g.channels);
  const int64_t quanta = ceil_div(count, kTileQuantum);
  const bool strided = g.stride == 2 && !g.flipped;
  const int64_t elements = kBlockElements * kFrequencies / g.source_planes();
  const int64_t most =
      strided ? kStridedTiles / kTileQuantum
              : std::clamp(elements / channels, kFewestTiles, kMostTiles) / kFewestTiles * 3;
  g.tiles_per_block = even(quanta, most) * kTileQuantum;
  const int64_t panels = std::max<int64_t>(1, g.row_panels);
  g.share_tiles = count * kWeightsOverTiles < g.rows;
  g.share_weights = !g.share_tiles;
  g.depth_block = even(channels, strided ? kStridedDepth : kWinogradDepth);
  if (g.share_tiles) {
    const int64_t rows =
        std::clamp(kSharedProducts / (quanta * kTileQuantum), int64_t{tile.rows}, kMostRows);
    const int64_t wanted =
        std::clamp<int64_t>(panels / kTasks, 1, std::max<int64_t>(1, rows / tile.rows));
    g.panels_per_block = even(panels, wanted);
  } else {
    const int64_t rows = std::max<int64_t>(
        strided ? kStridedProducts / g.tiles_per_block
                : kProducts * kFrequencies / g.result_planes() / g.tiles_per_block,
        tile.rows);
    g.panels_per_block = even(panels, std::max<int64_t>(1, rows / tile.rows));
    if (g.groups * g.blocks() < (strided ? kStridedTasks : kTasks)) {
      g.share_tiles = true;
      const int64_t splits = ceil_div(kTasks, g.groups * g.blocks());
      g.panels_per_block = std::min(g.panels_per_block, ceil_div(panels, splits));
    }
    g.tiles_by_depth = strided && !g.share_tiles && g.row_blocks() == 1;
  }
}

bool square_window(const ConvProblem& p, int64_t stride) {
  const Window& w = p.window;
  if (p.rank != 2 || p.dtype != DType::f32 || w.kernel[1] != w.kernel[2]) return false;
  for (int i = 1; i < kSpatial; ++i)
    if (w.stride[i] != stride || w.dilation[i] != 1) return false;
  return true;
}

// Taps of the largest phase, of those of both axes.
int64_t phase_taps(const Window& w) {
  return std::max(ceil_div(w.kernel[1], w.stride[1]), ceil_div(w.kernel[2], w.stride[2]));
}

Winograd geometry(const ConvProblem& p, bool small) {
  Winograd g{};
  g.small = small;
  g.tiles.batch = p.batch;
  g.groups = p.groups;
  for (int i = 0; i < 2; ++i) g.kernel[i] = p.window.kernel[i + 1];
  g.phases = 1;
  g.taps = static_cast<int>(g.kernel[0]);
  g.stride = static_cast<int>(p.window.stride[1]);
  if (polyphase_winograd_fits(p)) {
    g.phases = g.stride;
    g.stride = 1;
    g.taps = static_cast<int>(phase_taps(p.window));
  }
  return g;
}

void set_tiles(Winograd& g, int size, int step, int outputs) {
  g.tiles.size = size;
  g.tiles.step = step;
  g.outputs = outputs;
  for (int i = 0; i < 2; ++i) g.tiles.tiles[i] = ceil_div(g.dst[i] - g.dst_origin[i], outputs);
}

void set_unit_tiles(Winograd& g) {
  const int outputs = g.small ? 2 : 7 - g.taps;
  set_tiles(g, outputs + g.taps - 1, outputs, outputs);
}

// Of one axis: a product's weights and point.
struct AxisProduct {
  int weights, point;
};

constexpr AxisProduct strided_product(int k) {
  return k < 5 ? AxisProduct{k, k} : AxisProduct{5, k - 5};
}

constexpr WinogradProducts unit_products(int count) {
  WinogradProducts list{};
  list.count = list.points = count;
  for (int k = 0; k < count; ++k) {
    const auto plane = static_cast<uint8_t>(k);
    list.at[k] = {plane, plane, plane, true};
  }
  return list;
}

constexpr WinogradProducts strided_products() {
  WinogradProducts list{};
  list.count = 81;
  list.points = 25;
  int next = 0;
  for (int point = 0; point < 25; ++point) {
    bool first = true;
    for (int k = 0; k < 81; ++k) {
      const AxisProduct row = strided_product(k / 9), column = strided_product(k % 9);
      if (row.point * 5 + column.point != point) continue;
      const int weights = row.weights * 6 + column.weights;
      list.at[next++] = {static_cast<uint8_t>(weights), static_cast<uint8_t>(k),
                         static_cast<uint8_t>(point), first};
      first = false;
    }
  }
  return list;
}

constexpr WinogradRuns unit_runs(int size) {
  WinogradRuns list{};
  list.count = size * size;
  for (int k = 0; k < list.count; ++k) {
    const auto plane = static_cast<uint8_t>(k);
    list.at[k] = {plane, plane, plane, 1, 0, 0, true};
  }
  return list;
}

constexpr WinogradRuns strided_runs() {
  WinogradRuns list{};
  for (int w = 0; w < 36; ++w) {
    const int row = w / 6, column = w % 6;
    // Odd samples have four products, at the points 0 to 3.
    const bool odd_row = row == 5, odd_column = column == 5;
    const int runs = odd_row && odd_column ? 4 : 1;
    for (int r = 0; r < runs; ++r) {
      const int point = (odd_row ? r : row) * 5 + (odd_column ? 0 : column);
      WinogradRun run{static_cast<uint8_t>(w),
                      static_cast<uint8_t>((row + r) * 9 + column),
                      static_cast<uint8_t>(point),
                      1,
                      0,
                      0,
                      r == 0};
      if (odd_row || odd_column) run.count = 4;
      run.parted_step = odd_column ? 1 : 9;
      run.points_step = odd_column ? 1 : 5;
      list.at[list.count++] = run;
    }
  }
  return list;
}

constexpr WinogradRuns kSixRuns = unit_runs(6);
constexpr WinogradRuns kSevenRuns = unit_runs(7);
constexpr WinogradRuns kStridedRuns = strided_runs();
constexpr WinogradProducts kUnitList = unit_products(kFrequencies);
constexpr WinogradProducts kSmallList = unit_products(kSmallFrequencies);
constexpr WinogradProducts kStridedList = strided_products();

}  // namespace

const WinogradProducts& winograd_products(int64_t stride, bool small) {
  return small ? kSmallList : stride == 2 ? kStridedList : kUnitList;
}

const WinogradRuns& winograd_runs(int size) {
  return size == 9 ? kStridedRuns : size == 7 ? kSevenRuns : kSixRuns;
}

int64_t WinogradTiles::blocks(int64_t most) const {
  return ceil_div(ceil_div(count(), kTileQuantum), most / kTileQuantum);
}

int64_t WinogradTiles::first_in_block(int64_t most, int64_t block) const {
  const int64_t quanta = ceil_div(count(), kTileQuantum);
  return std::min(block * quanta / blocks(most) * kTileQuantum, count());
}

int64_t WinogradTiles::stage_pitch(int64_t most) const {
  // Room for a vector that is stored whole at a row's end.
  return std::min(tiles[1], most) * step + size + 16;
}

int64_t WinogradTiles::stage(int64_t most) const {
  const int64_t strips = (most - 1) / std::max<int64_t>(1, tiles[1]) + 2;
  return std::min(strips, batch * tiles[0]) * size * stage_pitch(most) + 64;
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
  return (all ? blocks() : 1) * products_unit();
}

int64_t Winograd::scratch() const {
  // Offsets of a block's tiles: eight bytes into the result, four into the stage, four of extent.
  int64_t bytes = tiles_per_block * 16 + 4 * stage();
  if (!share_tiles) bytes += 4 * tiles_unit();
  if (!share_weights) bytes += 4 * weights_unit(panels_per_block);
  return bytes + 4 * products() + 8 * 64;  // each of eight parts begins a line
}

bool winograd_fits(const ConvProblem& p) {
  return square_window(p, 1) && (p.window.kernel[1] == 3 || p.window.kernel[1] == 5);
}

bool small_winograd_fits(const ConvProblem& p) {
  return square_window(p, 1) && p.window.kernel[1] == 3;
}

bool strided_winograd_fits(const ConvProblem& p) {
  return square_window(p, 2) && p.window.kernel[1] == 3;
}

bool polyphase_winograd_fits(const ConvProblem& p) {
  const Window& w = p.window;
  if (p.rank != 2 || p.dtype != DType::f32 || strided_winograd_fits(p)) return false;
  const int64_t stride = w.stride[1];
  constexpr int64_t kMostPhases = 8;
  if (stride < 2 || stride > kMostPhases || w.stride[2] != stride) return false;
  if (w.dilation[1] != 1 || w.dilation[2] != 1) return false;
  return std::min(w.kernel[1], w.kernel[2]) > 2 * stride && phase_taps(w) <= 4;
}

Winograd plan_winograd_forward(const ConvProblem& p, TileShape tile, bool small) {
  Winograd g = geometry(p, small);
  g.rows = p.out_channels / p.groups;
  g.channels = p.in_channels / p.groups * g.phases * g.phases;
  for (int i = 0; i < 2; ++i) {
    g.tiles.src[i] = p.window.in[i + 1];
    g.dst[i] = p.window.out[i + 1];
    g.tiles.origin[i] = -p.window.pad[i + 1];
  }
  if (g.stride == 2)
    set_tiles(g, 9, 8, 4);
  else
    set_unit_tiles(g);
  g.w_channel = p.window.kernel_size();
  g.w_row = g.w_channel * (p.in_channels / p.groups);
  g.w_group = g.w_row * g.rows;
  choose_blocks(g, tile);
  return g;
}

Winograd plan_winograd_input_grad(const ConvProblem& p, TileShape tile, bool small) {
  Winograd g = geometry(p, small);
  g.rows = p.in_channels / p.groups;
  g.channels = p.out_channels / p.groups;
  g.flipped = true;
  for (int i = 0; i < 2; ++i) {
    g.tiles.src[i] = p.window.out[i + 1];
    g.dst[i] = p.window.in[i + 1];
    const int64_t pad = p.window.pad[i + 1];
    g.tiles.origin[i] = pad - (g.taps - 1);
    if (g.stride == 1) continue;
    // A tile begins with a pixel that meets the middle tap alone, and then alternates.
    g.dst_origin[i] = -(1 - pad % 2);
    g.tiles.origin[i] = (g.dst_origin[i] + 1 + pad) / 2 - 1;
  }
  if (g.stride == 2)
    set_tiles(g, 5, 4, 8);
  else
    set_unit_tiles(g);
  g.w_row = p.window.kernel_size();
  g.w_channel = g.w_row * g.rows;
  g.w_group = g.w_channel * g.channels;
  choose_blocks(g, tile);
  return g;
}

}  // namespace striate
