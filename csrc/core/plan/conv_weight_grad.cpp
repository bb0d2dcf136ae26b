#include "core/plan/conv_weight_grad.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Even shares of at most `most`.
int64_t even(int64_t total, int64_t most) {
  const int64_t shares = ceil_div(total, std::max<int64_t>(1, most));
  return shares == 0 ? 1 : ceil_div(total, shares);
}

// Each task transposes its outputs' dy anew, and pads its channels' x anew. Many pairs to a task
// spare the first, many outputs the second, but the patches must stay in a core's own cache.
constexpr int64_t kPatchElements = 48 * 1024;
constexpr int64_t kPairsPerTask = 320;
constexpr int64_t kOutputsPerTask = 64;
constexpr int64_t kFewestPairs = 48;
// Enough tasks for many threads to share them evenly, unless their sums take too much memory.
constexpr int64_t kTasks = 16;
constexpr int64_t kSliceElements = int64_t{1} << 22;

void choose_pixels(ConvWeightGrad& g) {
  const Window& w = g.problem.window;
  g.columns_per_block = even(w.out[2], kDepthBlock);
  g.rows_per_block = even(w.out[1], kDepthBlock / g.columns_per_block);
  const bool whole = w.out[0] == 1 && g.row_blocks() == 1 && g.column_blocks() == 1;
  g.samples_per_block =
      whole ? even(g.problem.batch, kDepthBlock / (g.rows_per_block * g.columns_per_block)) : 1;
  g.patch_rows = (g.rows_per_block - 1) * w.stride[1] + (w.kernel[1] - 1) * w.dilation[1] + 1;
  g.patch_columns = (g.columns_per_block - 1) * w.stride[2] + (w.kernel[2] - 1) * w.dilation[2] + 1;
}

// A 1x1 window that moves pixel by pixel knows no rows.
void flatten(Window& w) {
  for (int i = 0; i < kSpatial; ++i)
    if (w.kernel[i] != 1 || w.stride[i] != 1 || w.in[i] != w.out[i]) return;
  w.in[2] = w.out[2] = w.in_size();
  for (int i = 0; i < 2; ++i) w.in[i] = w.out[i] = 1;
}

}  // namespace

int64_t ConvWeightGrad::row_blocks() const {
  return ceil_div(problem.window.out[1], rows_per_block);
}
int64_t ConvWeightGrad::column_blocks() const {
  return ceil_div(problem.window.out[2], columns_per_block);
}
int64_t ConvWeightGrad::blocks() const {
  return ceil_div(problem.batch, samples_per_block) * problem.window.out[0] * row_blocks() *
         column_blocks();
}

int64_t ConvWeightGrad::most_channels() const {
  return ceil_div(problem.in_channels / problem.groups, channel_shares);
}
int64_t ConvWeightGrad::most_outputs() const {
  return ceil_div(output_blocks, output_shares) * tile.columns;
}

int64_t ConvWeightGrad::patch_size() const {
  if (in_place) return 0;
  return most_channels() * samples_per_block * problem.window.kernel[0] * patch_rows *
         patch_columns;
}

int64_t ConvWeightGrad::dy_size() const {
  return samples_per_block * rows_per_block * columns_per_block * most_outputs();
}

int64_t ConvWeightGrad::sums_size() const {
  return most_channels() * problem.window.kernel_size() * most_outputs();
}

int64_t ConvWeightGrad::scratch() const {
  const int64_t item = static_cast<int64_t>(size_of(problem.dtype));
  const int64_t offsets = most_channels() * problem.window.kernel_size() * 8;
  const int64_t sums = slices > 1 ? 0 : sums_size();
  return offsets + (sums + dy_size() + patch_size()) * item + 4 * 64;  // each part begins a line
}

ConvWeightGrad plan_weight_grad(const ConvProblem& p, TileShape tile, bool workspace) {
  ConvWeightGrad g{};
  g.problem = p;
  g.tile = tile;
  Window& w = g.problem.window;
  flatten(w);
  choose_pixels(g);
  g.in_place = true;
  for (int i = 0; i < kSpatial; ++i)
    g.in_place &=
        w.pad[i] == 0 && (w.out[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] < w.in[i];
  g.output_blocks = ceil_div(std::max<int64_t>(1, p.out_channels / p.groups), tile.columns);
  g.output_shares = ceil_div(g.output_blocks, std::max<int64_t>(1, kOutputsPerTask / tile.columns));
  g.slices = 1;

  const int64_t channels = std::max<int64_t>(1, p.in_channels / p.groups);
  const int64_t plane = g.samples_per_block * w.kernel[0] * g.patch_rows * g.patch_columns;
  const int64_t most =
      g.in_place ? channels : std::max<int64_t>(1, kPatchElements / std::max<int64_t>(1, plane));
  const int64_t wanted = ceil_div(kPairsPerTask, w.kernel_size());
  g.channel_shares = ceil_div(channels, std::clamp<int64_t>(std::min(most, wanted), 1, channels));
  const int64_t tasks = std::max<int64_t>(1, g.shares());
  if (tasks >= kTasks) return g;
  const int64_t sums = std::max<int64_t>(1, g.shares() * g.sums_size());
  const int64_t most_slices = workspace ? std::min(g.blocks(), kSliceElements / sums) : 1;
  g.slices = std::clamp<int64_t>(ceil_div(kTasks, tasks), 1, std::max<int64_t>(1, most_slices));
  g.slices = ceil_div(g.blocks(), std::max<int64_t>(1, ceil_div(g.blocks(), g.slices)));
  g.slices = std::max<int64_t>(1, g.slices);
  const int64_t fewest = std::min(channels, ceil_div(kFewestPairs, w.kernel_size()));
  const int64_t shares = g.channel_shares * ceil_div(kTasks, tasks * g.slices);
  g.channel_shares = std::clamp<int64_t>(shares, g.channel_shares, ceil_div(channels, fewest));
  return g;
}

}  // namespace striate
