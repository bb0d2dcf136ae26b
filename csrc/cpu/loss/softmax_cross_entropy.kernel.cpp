// The loss and its gradient together, while the exponentials are in the cache.
#include "core/formula/cross_entropy.h"
#include "cpu/kernels.h"
#include "cpu/loss/labels.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
struct Loss : formula::CrossEntropy {
  int64_t classes;
  const T* weight;  // or null
  double scale;     // of the gradient: 1 / the divisor of the mean
  int64_t ignore_index;

  STRIATE_INLINE double weight_of(int64_t c) const { return weight == nullptr ? 1 : weight[c]; }
  // q[c] but for the label's own share, times the scale.
  STRIATE_INLINE Vec<T> spread(int64_t c, int n) const {
    const Vec<T> share = Vec<T>::set(static_cast<T>(off * scale));
    return weight == nullptr ? share : share * Vec<T>::load(weight + c, n);
  }
};

// One sample whose classes lie side by side. Returns its loss.
template <class T>
double row(const Loss<T>& loss, const T* x, int64_t label, T* dx) {
  const T top = row_max(x, loss.classes);
  const double sum = row_exp(x, loss.classes, top, dx);
  const bool smooth = loss.off != 0;
  double shifted_sum = 0;
  if (smooth) {
    shifted_sum = row_sum<T>(loss.classes, [&](int64_t c, int n) {
      const Vec<T> shifted = Vec<T>::load(x + c, n) - Vec<T>::set(top);
      return loss.weight == nullptr ? shifted : shifted * Vec<T>::load(loss.weight + c, n);
    });
  }
  const Vec<T> factor =
      Vec<T>::set(static_cast<T>(loss.scale * loss.target_sum(loss.weight_of(label)) / sum));
  for_each_vector<T>(0, loss.classes, [&](int64_t c, int n) {
    const Vec<T> e = Vec<T>::load(dx + c, n) * factor;
    (smooth ? e - loss.spread(c, n) : e).store(dx + c, n);
  });
  dx[label] -= static_cast<T>(loss.scale * loss.on * loss.weight_of(label));
  return loss.loss(loss.weight_of(label), log_of(sum), static_cast<double>(x[label]) - top,
                   shifted_sum);
}

// Samples whose classes lie `stride` apart and whose positions lie side by side: the lanes. Returns
// the sum of their losses.
template <class T>
double block(const Loss<T>& loss, int64_t count, int64_t stride, const T* x, const int64_t* labels,
             T* losses, T* dx) {
  T top[kPositionsPerBlock], sum[kPositionsPerBlock], partial[kPositionsPerBlock];
  T shifted_sum[kPositionsPerBlock] = {}, factor[kPositionsPerBlock];
  const bool smooth = loss.off != 0;
  const Vec<T> zero = Vec<T>::zero();
  const auto each = [&](const auto& body) { for_each_vector<T>(0, count, body); };
  block_max(x, loss.classes, stride, count, top);
  block_exp(x, loss.classes, stride, count, top, dx, sum);
  if (smooth) {
    block_sum(loss.classes, count, shifted_sum, [&](int64_t c, int64_t i, int n) {
      const Vec<T> shifted = Vec<T>::load(x + c * stride + i, n) - Vec<T>::load(top + i, n);
      return Vec<T>::set(static_cast<T>(loss.weight_of(c))) * shifted;
    });
  }
  each([&](int64_t i, int n) { formula::log(Vec<T>::load(sum + i, n)).store(partial + i, n); });
  double total = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = labels[i];
    const bool kept = label != loss.ignore_index;
    const double value =
        kept ? loss.loss(loss.weight_of(label), partial[i],
                         static_cast<double>(x[label * stride + i]) - top[i], shifted_sum[i])
             : 0;
    if (losses != nullptr) losses[i] = static_cast<T>(value);
    total += value;
    factor[i] =
        kept ? static_cast<T>(loss.scale * loss.target_sum(loss.weight_of(label)) / sum[i]) : T(0);
    partial[i] = kept ? T(1) : T(0);
  }
  for (int64_t c = 0; c < loss.classes; ++c) {
    const Vec<T> share = Vec<T>::set(static_cast<T>(loss.off * loss.scale * loss.weight_of(c)));
    each([&](int64_t i, int n) {
      T* d = dx + c * stride + i;
      const Vec<T> e = Vec<T>::load(d, n) * Vec<T>::load(factor + i, n);
      select(Vec<T>::load(partial + i, n) > zero, smooth ? e - share : e, zero).store(d, n);
    });
  }
  for (int64_t i = 0; i < count; ++i) {
    if (labels[i] != loss.ignore_index)
      dx[labels[i] * stride + i] -=
          static_cast<T>(loss.scale * loss.on * loss.weight_of(labels[i]));
  }
  return total;
}

template <class T>
void softmax_cross_entropy(const CrossEntropyProblem& p, const T* logits, const int64_t* labels,
                           const T* weight, T* losses, T* dlogits, double* result,
                           const Context& context) {
  const int64_t count = p.batch * p.positions;
  Loss<T> loss{{1 - p.label_smoothing, 0, 0}, p.classes, weight, 1, p.ignore_index};
  if (p.classes > 0) loss.off = p.label_smoothing / static_cast<double>(p.classes);
  for (int64_t c = 0; c < p.classes; ++c) loss.weight_sum += loss.weight_of(c);
  double divisor = 1;
  if (p.reduction == Reduction::mean) divisor = label_weight_sum(p, weight, labels);
  loss.scale = 1 / divisor;

  const int64_t classes = p.classes > 0 ? p.classes : 1;
  const bool rows = p.positions == 1;
  const int64_t fit = kElementsPerChunk / classes;
  const int64_t together = !rows ? positions_per_block(classes) : fit > 0 ? fit : 1;
  const int64_t blocks = rows ? ceil_div(count, together) : ceil_div(p.positions, together);
  const int64_t chunks = rows ? blocks : p.batch * blocks;
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_for(context, chunks, 0, [&](int64_t chunk, void*) {
    double total = 0;
    if (rows) {
      const int64_t end = (chunk + 1) * together < count ? (chunk + 1) * together : count;
      for (int64_t i = chunk * together; i < end; ++i) {
        T* dx = dlogits + i * p.classes;
        double value = 0;
        if (labels[i] == p.ignore_index)
          __builtin_memset(dx, 0, static_cast<size_t>(p.classes) * sizeof(T));
        else
          value = row(loss, logits + i * p.classes, labels[i], dx);
        if (losses != nullptr) losses[i] = static_cast<T>(value);
        total += value;
      }
    } else {
      const int64_t sample = chunk / blocks, first = chunk % blocks * together;
      const int64_t live = p.positions - first < together ? p.positions - first : together;
      const int64_t at = sample * p.classes * p.positions + first;
      const int64_t label = sample * p.positions + first;
      total = block(loss, live, p.positions, logits + at, labels + label,
                    losses == nullptr ? nullptr : losses + label, dlogits + at);
    }
    partial[chunk] = total;
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  *result = total / divisor;
}

}  // namespace

const LossKernels<float> loss_f32 = {softmax_cross_entropy<float>};
const LossKernels<double> loss_f64 = {softmax_cross_entropy<double>};

}  // namespace striate::cpu::STRIATE_ISA
