// The loss and its gradient together: see core/formula/cross_entropy.h.
#include "core/formula/cross_entropy.h"
#include "cuda/kernels.h"
#include "cuda/loss/labels.h"
#include "cuda/softmax/slices.h"

namespace striate::cuda {
namespace {

constexpr char kFunction[] = "softmax_cross_entropy";

template <class T>
struct CrossEntropySlice {
  CrossEntropyProblem p;
  formula::CrossEntropy formula;
  const T* logits;
  const int64_t* labels;
  const T* weight;           // or null
  const double* weight_sum;  // where smoothing needs it
  const double* divisor;     // of the mean, or null
  T* losses;                 // or null
  double* values;
  T* dlogits;
  ValueFlag* flag;
  const char* function;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    const int64_t slice = part.slice, label = labels[slice];
    if (label == p.ignore_index) {
      part.store_runs(dlogits, [](int, int64_t, auto& run) {
        for (T& d : run) d = 0;
      });
      if (part.group.rank() == 0) store(slice, 0);
      return;
    }
    formula::CrossEntropy f = formula;
    if (weight_sum != nullptr) f.weight_sum = *weight_sum;
    const double own = weight_of_label(p, weight, label, slice, flag, function);
    typename Part::Held x(logits);
    const T top = part.greatest(x);
    double shifted_sum = 0;
    const auto shifted_term = [&](int64_t c, T value) {
      const T shifted = value - top;
      return weight == nullptr ? shifted : shifted * weight[c];
    };
    if (f.off != 0) shifted_sum = part.sum(shifted_term, x);
    const double sum = part.sum([&](int64_t, T& value) { return value = exp_of(value - top); }, x);
    const bool known = part.is_one_batch();  // the exponentials
    const double scale = divisor == nullptr ? 1 : 1 / *divisor;
    const T factor = static_cast<T>(scale * f.target_sum(own) / sum);
    const T share = static_cast<T>(f.off * scale), hit = static_cast<T>(scale * f.on * own);
    const auto element = [&](int64_t c, T value) {
      T d = (known ? value : exp_of(value - top)) * factor;
      if (f.off != 0) d -= weight == nullptr ? share : share * weight[c];
      return c == label ? d - hit : d;
    };
    part.store(dlogits, element, x);
    if (part.group.rank() != 0) return;
    const bool is_class = label >= 0 && label < p.classes;
    const double shifted = is_class ? static_cast<double>(logits[part.offset(label)]) - top : 0;
    store(slice, f.loss(own, log_of(sum), shifted, shifted_sum));
  }

  __device__ void store(int64_t slice, double value) const {
    values[slice] = value;
    if (losses != nullptr) losses[slice] = static_cast<T>(value);
  }
};

template <class T>
__global__ void widen_kernel(int64_t count, const T* __restrict__ from, double* __restrict__ to) {
  for (int64_t i = thread_index(); i < count; i += thread_count())
    to[i] = static_cast<double>(from[i]);
}

template <class T>
void softmax_cross_entropy(const CrossEntropyProblem& p, const T* logits, const int64_t* labels,
                           const T* weight, T* losses, T* dlogits, T* total,
                           const Context& context) {
  const int64_t count = p.batch * p.positions;
  const bool mean = p.reduction == Reduction::mean, smooth = p.label_smoothing != 0;
  const Scratch<double> values(context, count > p.classes ? count : p.classes);
  const Scratch<double> sums(context, 2);  // the divisor, and the sum of all weights
  CrossEntropySlice<T> f{};
  f.p = p;
  f.formula = {1 - p.label_smoothing, 0, static_cast<double>(p.classes)};
  if (p.classes > 0) f.formula.off = p.label_smoothing / static_cast<double>(p.classes);
  f.logits = logits;
  f.labels = labels;
  f.weight = weight;
  f.losses = losses;
  f.values = values.data();
  f.dlogits = dlogits;
  f.flag = value_flag();
  f.function = kFunction;
  if (mean) {
    label_weight_sum(kFunction, p, weight, labels, values.data(), sums.data(), context);
    f.divisor = sums.data();
  }
  if (smooth && weight != nullptr) {
    launch(kFunction, widen_kernel<T>, blocks_for(p.classes), kThreads, 0, context, p.classes,
           weight, values.data());
    sum_values<double>(kFunction, p.classes, values.data(), nullptr, sums.data() + 1, context);
    f.weight_sum = sums.data() + 1;
  }
  for_each_slice<T>(kFunction, Slices(p.batch, p.classes, p.positions), f, context);
  sum_values(kFunction, count, values.data(), f.divisor, total, context);
}

}  // namespace

const LossKernels<float> loss_f32 = {softmax_cross_entropy<float>};
const LossKernels<double> loss_f64 = {softmax_cross_entropy<double>};

}  // namespace striate::cuda
