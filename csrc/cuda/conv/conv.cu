// Convolution and its gradients on CUDA: each call goes to the kernels that plan_conv chose.
#include "core/plan/implicit_gemm.h"
#include "cuda/conv/direct.h"
#include "cuda/conv/plan.h"
#include "cuda/conv/products.h"
#include "cuda/gemm/mask.h"
#include "cuda/gemm/run.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// Neither is there a form of the weights that would be worth keeping.
template <class T>
int64_t packed_size(const ConvProblem&, ConvAlgorithm) {
  return 0;
}
template <class T>
void pack(const ConvProblem&, ConvAlgorithm, const T*, T*, const Context&) {}

template <class T>
void run_planned(const ConvProduct& plan, ProductPointers<T> pointers, const Product& unpacked,
                 const Context& context) {
  const Scratch<T> packed(context, plan.packed_weights);
  if (plan.packed_weights > 0) {
    pack_a(unpacked, pointers.a, packed.data(), context);
    pointers.a = packed.data();
  }
  run_product(plan.product, plan.gemm, pointers, context);
}

template <class T>
void forward(const ConvProblem& problem, ConvAlgorithm algorithm, const T* x, const T* w, const T*,
             const T* bias, bool relu, T* y, const Context& context) {
  if (algorithm == ConvAlgorithm::direct)
    return direct_conv(plan_forward(problem), x, nullptr, w, bias, relu, y, context);
  const ConvProduct plan =
      plan_product(ConvDirection::forward, problem, 0, algorithm, plan_options().max_workspace);
  run_product(plan.product, plan.gemm, ProductPointers<T>{w, nullptr, x, nullptr, bias, relu, y},
              context);
}

template <class T>
void input_grad(const ConvProblem& problem, ConvAlgorithm algorithm, const T* dy, const T* w,
                const T* y, const T* bias, T* dx, const Context& context) {
  if (input_grad_has_gaps(problem))
    run_empty_product(input_grad_fill(problem), bias, false, dx, context);
  const int64_t phases = input_grad_phases(problem);
  if (algorithm == ConvAlgorithm::direct) {
    for (int64_t phase = 0; phase < phases; ++phase)
      direct_conv(plan_input_grad(problem, phase), dy, y, w, bias, false, dx, context);
    return;
  }
  int64_t budget = plan_options().max_workspace;
  const MaskedGradient<T> masked(
      dy, y, problem.batch * problem.out_channels * problem.window.out_size(), budget, context);
  for (int64_t phase = 0; phase < phases; ++phase) {
    const ConvProduct plan =
        plan_product(ConvDirection::input_grad, problem, phase, algorithm, budget);
    run_planned(plan, ProductPointers<T>{w, nullptr, masked.data(), masked.mask(), bias, false, dx},
                input_grad_product(problem, phase), context);
  }
}

template <class T>
void weight_grad(const ConvProblem& problem, ConvAlgorithm algorithm, const T* dy, const T* x,
                 const T* y, T* dw, const Context& context) {
  if (algorithm == ConvAlgorithm::direct) {
    const ConvProduct plan = plan_product(ConvDirection::weight_grad, problem, 0, algorithm,
                                          plan_options().max_workspace);
    return run_product(plan.product, plan.gemm,
                       ProductPointers<T>{dy, y, x, nullptr, nullptr, false, dw}, context);
  }
  int64_t budget = plan_options().max_workspace;
  const MaskedGradient<T> masked(
      dy, y, problem.batch * problem.out_channels * problem.window.out_size(), budget, context);
  const ConvProduct plan = plan_product(ConvDirection::weight_grad, problem, 0, algorithm, budget);
  run_product(plan.product, plan.gemm,
              ProductPointers<T>{masked.data(), masked.mask(), x, nullptr, nullptr, false, dw},
              context);
}

}  // namespace

const ConvKernels<float> conv_f32 = {
    {}, packed_size<float>, pack<float>, forward<float>, input_grad<float>, nullptr};
const ConvKernels<double> conv_f64 = {
    {}, packed_size<double>, pack<double>, forward<double>, input_grad<double>, nullptr};
const ConvWeightGradKernels<float> conv_weight_grad_f32 = {{}, weight_grad<float>};
const ConvWeightGradKernels<double> conv_weight_grad_f64 = {{}, weight_grad<double>};

}  // namespace striate::cuda
