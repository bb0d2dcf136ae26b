// loss = -w[label] log_probs[label], and its gradient, which is 0 but at the labels.
#include "cpu/kernels.h"
#include "cpu/loss/labels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void nll_loss(const CrossEntropyProblem& p, const T* log_probs, const int64_t* labels,
              const T* weight, T* losses, T* dlog_probs, double* result, const Context& context) {
  const int64_t count = p.batch * p.positions;
  const double divisor = p.reduction == Reduction::mean ? label_weight_sum(p, weight, labels) : 1.0;
  parallel_elements(context, count * p.classes, [=](int64_t begin, int64_t end) {
    __builtin_memset(dlog_probs + begin, 0, static_cast<size_t>(end - begin) * sizeof(T));
  });
  const int64_t chunks = ceil_div(count, kElementsPerChunk);
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_elements(context, count, [&](int64_t begin, int64_t end) {
    double total = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t label = labels[i];
      double loss = 0;
      if (label != p.ignore_index) {
        const int64_t sample = i / p.positions, position = i - sample * p.positions;
        const int64_t at = (sample * p.classes + label) * p.positions + position;
        const double w = weight == nullptr ? 1 : weight[label];
        loss = -w * log_probs[at];
        dlog_probs[at] = static_cast<T>(-w / divisor);
      }
      if (losses != nullptr) losses[i] = static_cast<T>(loss);
      total += loss;
    }
    partial[begin / kElementsPerChunk] = total;
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  *result = total / divisor;
}

}  // namespace

const NllKernels<float> nll_f32 = {nll_loss<float>};
const NllKernels<double> nll_f64 = {nll_loss<double>};

}  // namespace striate::cpu::STRIATE_ISA
