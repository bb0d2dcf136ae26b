#include "cuda/conv/plan.h"

#include <algorithm>

#include "core/plan/implicit_gemm.h"
#include "cuda/conv/products.h"

namespace striate::cuda {
namespace {

// Of so few channels a product of tiles would be mostly padding: pairs of one group.
bool few_channels(const ConvProblem& p) {
  constexpr int64_t kMost = 16;
  const int64_t inputs = p.in_channels / p.groups, outputs = p.out_channels / p.groups;
  return inputs > 0 && outputs > 0 && inputs * outputs <= kMost;
}

// Of the copy that MaskedGradient makes.
int64_t masked_gradient_bytes(const ConvProblem& p) {
  return p.batch * p.out_channels * p.window.out_size() * static_cast<int64_t>(size_of(p.dtype));
}

Product product_of(ConvDirection direction, const ConvProblem& problem, int64_t phase) {
  switch (direction) {
    case ConvDirection::forward:
      return forward_product(problem);
    case ConvDirection::input_grad:
      return input_grad_product(problem, phase);
    default:
      return weight_grad_product(problem);
  }
}

}  // namespace

ConvProduct plan_product(ConvDirection direction, const ConvProblem& problem, int64_t phase,
                         ConvAlgorithm algorithm, int64_t max_workspace) {
  const auto item = static_cast<int64_t>(size_of(problem.dtype));
  ConvProduct plan{};
  plan.product = product_of(direction, problem, phase);
  const OperandMap& a = plan.product.a;
  // An input gradient's filters lie tap by tap, and would be read with gaps.
  const int64_t weights = plan.product.groups * plan.product.rows * plan.product.depth;
  const bool scattered = direction == ConvDirection::input_grad && a.depth_major;
  if (scattered && (max_workspace < 0 || weights * item <= max_workspace)) {
    plan.packed_weights = weights;
    plan.product = with_packed_a(plan.product);
    if (max_workspace >= 0) max_workspace -= weights * item;
  }
  if (algorithm == ConvAlgorithm::direct) {
    plan.gemm = plan_dots(plan.product, static_cast<int>(item), max_workspace);
    return plan;
  }
  const GemmMath math =
      algorithm == ConvAlgorithm::tensor_cores ? GemmMath::tensor_cores : GemmMath::fma;
  plan.gemm = plan_gemm(plan.product, math, static_cast<int>(item), max_workspace);
  return plan;
}

ConvPlan plan_conv(ConvDirection direction, const ConvProblem& p, const PlanOptions& options,
                   bool masked) {
  check_positions(p);
  ConvPlan plan{};
  plan.flops = p.flops();
  if (few_channels(p)) {
    plan.algorithm = ConvAlgorithm::direct;
    plan.why = "the groups have too few channels for tiles of a matrix product";
    if (direction == ConvDirection::weight_grad)
      plan.workspace =
          plan_product(direction, p, 0, plan.algorithm, options.max_workspace).workspace(p);
    return plan;
  }
  if (p.dtype == DType::f32 && !options.exact) {
    plan.algorithm = ConvAlgorithm::tensor_cores;
    plan.why = "float32 is rounded to TF32, with sums in float32";
  } else {
    plan.algorithm = ConvAlgorithm::implicit_gemm;
    plan.why = p.dtype == DType::f32 ? "exact sums were asked for" : "float64 is never rounded";
  }
  int64_t budget = options.max_workspace;
  const int64_t copy = masked ? masked_gradient_bytes(p) : 0;
  if (budget < 0 || copy <= budget) {
    plan.workspace = copy;
    if (budget >= 0) budget -= copy;
  }
  int64_t most = 0;
  const int64_t phases = direction == ConvDirection::input_grad ? input_grad_phases(p) : 1;
  for (int64_t phase = 0; phase < phases; ++phase)
    most = std::max(most, plan_product(direction, p, phase, plan.algorithm, budget).workspace(p));
  plan.workspace += most;
  return plan;
}

}  // namespace striate::cuda
