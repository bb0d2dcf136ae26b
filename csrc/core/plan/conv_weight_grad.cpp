#include "core/plan/conv_weight_grad.h"

#include <algorithm>

namespace striate {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

int64_t ConvWeightGrad::tasks() const {
  const ConvProblem& p = problem;
  return p.groups * ceil_div(p.out_channels / p.groups, output_block) *
         ceil_div(p.in_channels / p.groups, channels_per_task);
}

int64_t ConvWeightGrad::patch_size() const {
  return channels_per_task * problem.window.kernel[0] * patch_rows * patch_columns;
}

int64_t ConvWeightGrad::dy_size() const {
  return rows_per_block * columns_per_block * output_block;
}

int64_t ConvWeightGrad::sums_size() const {
  return channels_per_task * problem.window.kernel_size() * output_block;
}

ConvWeightGrad plan_weight_grad(const ConvProblem& p, TileShape tile) {
  const Window& w = p.window;
  ConvWeightGrad g;
  g.problem = p;
  g.output_block = tile.columns;
  g.columns_per_block = std::clamp<int64_t>(w.out[2], 1, kDepthBlock);
  g.rows_per_block =
      std::clamp<int64_t>(kDepthBlock / g.columns_per_block, 1, std::max<int64_t>(1, w.out[1]));
  g.patch_rows = (g.rows_per_block - 1) * w.stride[1] + (w.kernel[1] - 1) * w.dilation[1] + 1;
  g.patch_columns = (g.columns_per_block - 1) * w.stride[2] + (w.kernel[2] - 1) * w.dilation[2] + 1;
  // Each task transposes its outputs' dy anew and pads its channels' x anew: many channels to a
  // task spare the first, but their patches must stay in a core's own cache.
  constexpr int64_t kPatchElements = 48 * 1024;
  constexpr int64_t kTapsPerTask = 320;
  const int64_t channels = std::max<int64_t>(1, p.in_channels / p.groups);
  const int64_t plane = w.kernel[0] * g.patch_rows * g.patch_columns;
  const int64_t most = std::max<int64_t>(1, kPatchElements / plane);
  const int64_t wanted = ceil_div(kTapsPerTask, w.kernel_size());
  g.channels_per_task = std::clamp<int64_t>(std::min(most, wanted), 1, channels);
  // Even shares.
  g.channels_per_task = ceil_div(channels, ceil_div(channels, g.channels_per_task));
  return g;
}

}  // namespace striate
