// loss = -w[label] log_probs[label], and its gradient, which is 0 but at the labels.
#include "cuda/index.h"
#include "cuda/kernels.h"
#include "cuda/loss/labels.h"

namespace striate::cuda {
namespace {

constexpr char kFunction[] = "nll_loss";

template <class T>
__global__ void nll_kernel(const __grid_constant__ CrossEntropyProblem p,
                           const __grid_constant__ Divisor positions,
                           const T* __restrict__ log_probs, const int64_t* __restrict__ labels,
                           const T* __restrict__ weight, const double* __restrict__ divisor,
                           T* __restrict__ losses, double* __restrict__ values,
                           T* __restrict__ dlog_probs, ValueFlag* flag, const char* function) {
  const double scale = divisor == nullptr ? 1 : *divisor;
  for (int64_t i = thread_index(); i < p.batch * p.positions; i += thread_count()) {
    const int64_t label = labels[i];
    double loss = 0;
    if (label != p.ignore_index) {
      const double w = weight_of_label(p, weight, label, i, flag, function);
      loss = w;  // NaN where there is no such class
      if (label >= 0 && label < p.classes) {
        const Division d = divide(i, positions);
        const int64_t at = (d.quotient * p.classes + label) * p.positions + d.remainder;
        loss = -w * static_cast<double>(log_probs[at]);
        dlog_probs[at] = static_cast<T>(-w / scale);
      }
    }
    values[i] = loss;
    if (losses != nullptr) losses[i] = static_cast<T>(loss);
  }
}

template <class T>
void nll_loss(const CrossEntropyProblem& p, const T* log_probs, const int64_t* labels,
              const T* weight, T* losses, T* dlog_probs, T* total, const Context& context) {
  const int64_t count = p.batch * p.positions;
  const Scratch<double> values(context, count), sum(context, 1);
  const double* divisor = nullptr;
  if (p.reduction == Reduction::mean) {
    label_weight_sum(kFunction, p, weight, labels, values.data(), sum.data(), context);
    divisor = sum.data();
  }
  set_zero(kFunction, dlog_probs, count * p.classes, context);
  launch(kFunction, nll_kernel<T>, blocks_for(count), kThreads, 0, context, p,
         Divisor(p.positions, count), log_probs, labels, weight, divisor, losses, values.data(),
         dlog_probs, value_flag(), kFunction);
  sum_values(kFunction, count, values.data(), divisor, total, context);
}

}  // namespace

const NllKernels<float> nll_f32 = {nll_loss<float>};
const NllKernels<double> nll_f64 = {nll_loss<double>};

}  // namespace striate::cuda
