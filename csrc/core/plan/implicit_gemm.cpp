#include "core/plan/implicit_gemm.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/integer.h"

namespace striate {
namespace {

// The kernel positions that meet the same pixels of an axis of dx: first, first + step, ...
int64_t tap_step(const Window& w, int axis) {
  return w.stride[axis] / std::gcd(w.stride[axis], w.dilation[axis]);
}

// A phase of an axis: the pixels with this remainder modulo the stride, and their first tap.
struct AxisPhase {
  int64_t remainder;
  int64_t first_tap;
};

// Those with pixels and taps. Positions below tap_step meet distinct remainders.
std::vector<AxisPhase> axis_phases(const Window& w, int axis) {
  const int64_t s = w.stride[axis];
  std::vector<AxisPhase> phases;
  for (int64_t k = 0; k < std::min(tap_step(w, axis), w.kernel[axis]); ++k) {
    const int64_t remainder = ((k * w.dilation[axis] - w.pad[axis]) % s + s) % s;
    if (remainder < w.in[axis]) phases.push_back({remainder, k});
  }
  return phases;
}

ImplicitGemm plan_phase(const ConvProblem& p, const AxisPhase (&at)[kSpatial]) {
  const Window& w = p.window;
  ImplicitGemm g{};
  g.batch = p.batch;
  g.groups = p.groups;
  g.rows = p.in_channels / p.groups;
  g.channels = p.out_channels / p.groups;
  for (int i = 0; i < kSpatial; ++i) {
    const auto [remainder, first_tap] = at[i];
    const int64_t step = tap_step(w, i);
    const int64_t s = w.stride[i], d = w.dilation[i];
    g.src[i] = w.out[i];
    g.dst[i] = w.in[i];
    g.grid[i] = ceil_div(w.in[i] - remainder, s);
    g.src_stride[i] = 1;
    g.dst_stride[i] = s;
    g.dst_offset[i] = remainder;
    g.kernel[i] = w.kernel[i];
    g.taps[i] = ceil_div(w.kernel[i] - first_tap, step);
    g.w_index[i] = first_tap;
    g.w_step[i] = step;
    // in = out * s + k * d - pad, solved for out
    g.tap_offset[i] = (remainder + w.pad[i] - first_tap * d) / s;
    g.tap_step[i] = -(step * d / s);
  }
  g.w_row = w.kernel_size();
  g.w_channel = g.w_row * g.rows;
  g.w_group = g.w_channel * g.channels;
  return g;
}

}  // namespace

ImplicitGemm plan_forward(const ConvProblem& p) {
  const Window& w = p.window;
  ImplicitGemm g{};
  g.batch = p.batch;
  g.groups = p.groups;
  g.rows = p.out_channels / p.groups;
  g.channels = p.in_channels / p.groups;
  for (int i = 0; i < kSpatial; ++i) {
    g.src[i] = w.in[i];
    g.dst[i] = g.grid[i] = w.out[i];
    g.src_stride[i] = w.stride[i];
    g.dst_stride[i] = 1;
    g.dst_offset[i] = 0;
    g.taps[i] = g.kernel[i] = w.kernel[i];
    g.tap_offset[i] = -w.pad[i];
    g.tap_step[i] = w.dilation[i];
    g.w_index[i] = 0;
    g.w_step[i] = 1;
  }
  g.w_channel = w.kernel_size();
  g.w_row = g.w_channel * g.channels;
  g.w_group = g.w_row * g.rows;
  return g;
}

int64_t input_grad_phases(const ConvProblem& p) {
  int64_t count = 1;
  for (int i = 0; i < kSpatial; ++i) count *= static_cast<int64_t>(axis_phases(p.window, i).size());
  return count;
}

bool input_grad_has_gaps(const ConvProblem& p) {
  for (int i = 0; i < kSpatial; ++i) {
    const int64_t all = std::min(p.window.stride[i], p.window.in[i]);
    if (static_cast<int64_t>(axis_phases(p.window, i).size()) < all) return true;
  }
  return false;
}

ImplicitGemm plan_input_grad(const ConvProblem& p, int64_t phase) {
  AxisPhase at[kSpatial];
  for (int i = kSpatial - 1; i >= 0; --i) {
    const std::vector<AxisPhase> phases = axis_phases(p.window, i);
    const int64_t count = static_cast<int64_t>(phases.size());
    at[i] = phases[phase % count];
    phase /= count;
  }
  return plan_phase(p, at);
}

void for_each_input_grad_phase(const ConvProblem& p,
                               void (*body)(void* argument, const ImplicitGemm& product),
                               void* argument) {
  std::vector<AxisPhase> phases[kSpatial];
  for (int i = 0; i < kSpatial; ++i) phases[i] = axis_phases(p.window, i);
  for (const AxisPhase& depth : phases[0])
    for (const AxisPhase& row : phases[1])
      for (const AxisPhase& column : phases[2]) {
        const AxisPhase at[kSpatial] = {depth, row, column};
        body(argument, plan_phase(p, at));
      }
}

ImplicitGemm plan_stacked_input_grad(const ConvProblem& p) {
  const Window& w = p.window;
  ImplicitGemm g{};
  g.batch = p.batch;
  g.groups = p.groups;
  g.rows = p.in_channels / p.groups;
  g.channels = p.out_channels / p.groups;
  for (int i = 0; i < kSpatial; ++i) {
    const int64_t s = w.stride[i];
    g.rows *= s;
    g.src[i] = w.out[i];
    g.dst[i] = w.in[i];
    g.grid[i] = ceil_div(w.in[i], s);
    g.src_stride[i] = 1;
    g.dst_stride[i] = s;
    g.kernel[i] = w.kernel[i];
    // in = out * s + k - pad, solved for out: from the kernel's last position to its first
    g.tap_offset[i] = -floor_div(w.kernel[i] - 1 - w.pad[i], s);
    g.tap_step[i] = 1;
    g.taps[i] = -floor_div(-w.pad[i], s) - g.tap_offset[i] + 1;
  }
  g.w_row = w.kernel_size();
  g.w_channel = g.w_row * (p.in_channels / p.groups);
  g.w_group = g.w_channel * g.channels;
  return g;
}

bool can_part(const ImplicitGemm& g) {
  constexpr int64_t kMostColumns = 64;
  if (g.tap_count() < 2 || g.tap_count() > kMostPartedTaps || g.grid[2] > kMostColumns)
    return false;
  if (g.grid[0] != 1 || g.src[0] != 1 || g.taps[0] != 1 || g.tap_offset[0] != 0) return false;
  for (int i = 1; i < kSpatial; ++i)
    if (g.src_stride[i] != 2 || g.tap_step[i] != 1 || ceil_div(g.src[i], 2) > g.grid[i])
      return false;
  return true;
}

}  // namespace striate
