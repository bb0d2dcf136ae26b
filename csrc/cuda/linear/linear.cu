// A linear layer and its gradients on CUDA, as matrix products.
#include "core/plan/options.h"
#include "cuda/gemm/mask.h"
#include "cuda/gemm/run.h"
#include "cuda/kernels.h"
#include "cuda/linear/products.h"

namespace striate::cuda {
namespace {

template <class T>
void run(const Product& product, const ProductPointers<T>& pointers, int64_t budget,
         const Context& context) {
  const bool tf32 = sizeof(T) == 4 && !plan_options().exact;
  const GemmPlan plan = plan_gemm(product, tf32 ? GemmMath::tensor_cores : GemmMath::fma,
                                  static_cast<int>(sizeof(T)), budget);
  run_product(product, plan, pointers, context);
}

template <class T>
void forward(const LinearProblem& p, const T* x, const T* w, const T* bias, bool relu, T* y,
             const Context& context) {
  run<T>(linear_forward_product(p), {x, nullptr, w, nullptr, bias, relu, y},
         plan_options().max_workspace, context);
}

template <class T>
void input_grad(const LinearProblem& p, const T* dy, const T* w, const T* y, T* dx,
                const Context& context) {
  int64_t budget = plan_options().max_workspace;
  const MaskedGradient<T> masked(dy, y, p.rows * p.out_features, budget, context);
  run<T>(linear_input_grad_product(p),
         {masked.data(), masked.mask(), w, nullptr, nullptr, false, dx}, budget, context);
}

template <class T>
void weight_grad(const LinearProblem& p, const T* dy, const T* x, const T* y, T* dw,
                 const Context& context) {
  int64_t budget = plan_options().max_workspace;
  const MaskedGradient<T> masked(dy, y, p.rows * p.out_features, budget, context);
  run<T>(linear_weight_grad_product(p),
         {masked.data(), masked.mask(), x, nullptr, nullptr, false, dw}, budget, context);
}

}  // namespace

const LinearKernels<float> linear_f32 = {forward<float>, input_grad<float>, weight_grad<float>};
const LinearKernels<double> linear_f64 = {forward<double>, input_grad<double>, weight_grad<double>};

}  // namespace striate::cuda
