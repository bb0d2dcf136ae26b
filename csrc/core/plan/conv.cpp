#include "core/plan/conv.h"

#include <algorithm>

#include "core/plan/conv_weight_grad.h"
#include "core/plan/implicit_gemm.h"
#include "core/plan/winograd.h"

namespace striate {
namespace {

// A product of so few channels leaves most of a register tile unused.
constexpr int64_t kDirectPairs = 16;

bool few_channels(const ConvProblem& p) {
  const int64_t inputs = p.in_channels / p.groups, outputs = p.out_channels / p.groups;
  return inputs > 0 && inputs * outputs <= kDirectPairs;
}

int64_t item_size(const ConvProblem& p) { return p.dtype == DType::f32 ? 4 : 8; }

int64_t direct_flops(const ConvProblem& p) {
  return 2 * p.batch * p.out_channels * p.window.out_size() * (p.in_channels / p.groups) *
         p.window.kernel_size();
}

// Bytes of the largest of the products that make up the direction.
void count_implicit_gemm(ConvDirection direction, const ConvProblem& p, const ConvTiles& tiles,
                         ConvPlan& plan) {
  const auto count = [&](const ImplicitGemm& g) {
    plan.workspace = std::max(plan.workspace, g.packed_weights() * item_size(p));
    plan.scratch = std::max(plan.scratch, g.packed_pixels() * item_size(p));
  };
  if (direction == ConvDirection::forward) return count(plan_forward(p, tiles.gemm));
  for (int64_t phase = 0; phase < input_grad_phases(p); ++phase)
    count(plan_input_grad(p, tiles.gemm, phase));
}

// Fewer channels or tiles leave too little to multiply for what the transforms cost.
constexpr int64_t kWinogradChannels = 32;
constexpr int64_t kWinogradTiles = 4;

bool winograd_pays(const ConvProblem& p) {
  if (!winograd_fits(p) || p.in_channels / p.groups < kWinogradChannels ||
      p.out_channels / p.groups < kWinogradChannels)
    return false;
  const int64_t step = 7 - p.window.kernel[1];
  return p.window.out[1] >= step && p.window.out[2] >= step &&
         p.batch * p.window.out_size() >= kWinogradTiles * step * step;
}

}  // namespace

const char* algorithm_name(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::implicit_gemm:
      return "implicit GEMM";
    case ConvAlgorithm::direct:
      return "direct";
    case ConvAlgorithm::winograd:
      return "Winograd";
    case ConvAlgorithm::broadcast:
      return "broadcast";
  }
  return "?";
}

ConvPlan plan_conv(ConvDirection direction, const ConvProblem& p, const ConvTiles& tiles,
                   const PlanOptions& options) {
  ConvPlan plan{};
  plan.flops = direct_flops(p);
  if (few_channels(p)) {
    plan.algorithm = ConvAlgorithm::direct;
    plan.why = "the groups have too few channels for a matrix product";
    return plan;
  }
  if (direction != ConvDirection::weight_grad && !options.exact && winograd_pays(p)) {
    const Winograd g = direction == ConvDirection::forward
                           ? plan_winograd_forward(p, tiles.gemm)
                           : plan_winograd_input_grad(p, tiles.gemm);
    plan.algorithm = ConvAlgorithm::winograd;
    plan.why = "tiles of 6x6 save multiplications where the filter moves by one pixel";
    plan.workspace = g.workspace();
    plan.scratch = g.scratch();
    return plan;
  }
  if (direction == ConvDirection::weight_grad) {
    const ConvWeightGrad g = plan_weight_grad(p, tiles.weight_grad);
    plan.algorithm = ConvAlgorithm::broadcast;
    plan.why = "a matrix product over pixels serves any window";
    plan.scratch = (g.sums_size() + g.dy_size() + g.patch_size()) * item_size(p);
    return plan;
  }
  plan.algorithm = ConvAlgorithm::implicit_gemm;
  plan.why = "a matrix product over gathered pixels serves any window";
  count_implicit_gemm(direction, p, tiles, plan);
  return plan;
}

}  // namespace striate
