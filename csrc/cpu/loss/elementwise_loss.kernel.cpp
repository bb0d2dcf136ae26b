// Losses of single elements with their gradients, in one sweep.
#include "core/formula/loss.h"
#include "cpu/kernels.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::LossAndSlope;

// Stores losses (unless null) and slopes, and returns the reduced loss. part(begin, end, store)
// adds up a chunk: it calls store(i, n, loss and slope) for all its vectors, which returns the
// loss.
template <class T, class Part>
STRIATE_INLINE double reduce_losses(int64_t count, Reduction reduction, T* losses, T* slopes,
                                    const Context& context, const Part& part) {
  const double divisor = reduction == Reduction::mean ? static_cast<double>(count) : 1.0;
  const Vec<T> scale = Vec<T>::set(static_cast<T>(1 / divisor));
  const auto store = [=](int64_t i, int n, LossAndSlope<Vec<T>> own) {
    (own.slope * scale).store(slopes + i, n);
    if (losses != nullptr) own.loss.store(losses + i, n);
    return own.loss;
  };
  const int64_t chunks = ceil_div(count, kElementsPerChunk);
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    partial[begin / kElementsPerChunk] = part(begin, end, store);
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  return total / divisor;
}

template <class T, class F>
STRIATE_INLINE double regression(int64_t count, Reduction reduction, const T* pred, const T* target,
                                 T* losses, T* dpred, const Context& context, const F& f) {
  return reduce_losses(
      count, reduction, losses, dpred, context, [=](int64_t begin, int64_t end, const auto& store) {
        return row_sum<T>(end - begin, [=](int64_t at, int n) {
          const int64_t i = begin + at;
          return store(i, n, f(Vec<T>::load(pred + i, n), Vec<T>::load(target + i, n)));
        });
      });
}

template <class T>
void mse(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
         double* result, const Context& context) {
  *result = regression(count, reduction, pred, target, losses, dpred, context,
                       [](Vec<T> p, Vec<T> t) { return formula::mse(p, t); });
}

template <class T>
void l1(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
        double* result, const Context& context) {
  *result = regression(count, reduction, pred, target, losses, dpred, context,
                       [](Vec<T> p, Vec<T> t) { return formula::l1(p, t); });
}

template <class T>
void huber(int64_t count, Reduction reduction, T delta, const T* pred, const T* target, T* losses,
           T* dpred, double* result, const Context& context) {
  *result =
      regression(count, reduction, pred, target, losses, dpred, context,
                 [=](Vec<T> p, Vec<T> t) { return formula::huber(p, t, Vec<T>::set(delta)); });
}

// A chunk is cut into runs whose pos_weight is one number, or lies side by side as the classes do.
template <class T>
void binary_cross_entropy(const BinaryCrossEntropyProblem& p, const T* logits, const T* target,
                          const T* weight, const T* pos_weight, T* losses, T* dlogits,
                          double* result, const Context& context) {
  const bool side_by_side = p.classes > 1 && p.positions == 1;
  const int64_t run = side_by_side ? p.classes : p.positions;
  const auto part = [=](int64_t begin, int64_t end, const auto& store) {
    double total = 0;
    for (int64_t first = begin; first < end;) {
      const int64_t into = first % run, left = run - into;
      const int64_t length = end - first < left ? end - first : left;
      const T* const own = pos_weight == nullptr ? nullptr
                           : side_by_side        ? pos_weight + into
                                                 : pos_weight + first / run % p.classes;
      const Vec<T> same = Vec<T>::set(own == nullptr ? T(1) : *own);
      total += row_sum<T>(length, [=](int64_t at, int n) {
        const int64_t i = first + at;
        const Vec<T> q = side_by_side && own != nullptr ? Vec<T>::load(own + at, n) : same;
        LossAndSlope<Vec<T>> result = formula::binary_cross_entropy(Vec<T>::load(logits + i, n),
                                                                    Vec<T>::load(target + i, n), q);
        if (weight != nullptr) {
          const Vec<T> w = Vec<T>::load(weight + i, n);
          result = {result.loss * w, result.slope * w};
        }
        return store(i, n, result);
      });
      first += length;
    }
    return total;
  };
  *result = reduce_losses(p.count, p.reduction, losses, dlogits, context, part);
}

}  // namespace

const ElementwiseLossKernels<float> elementwise_loss_f32 = {mse<float>, l1<float>, huber<float>,
                                                            binary_cross_entropy<float>};
const ElementwiseLossKernels<double> elementwise_loss_f64 = {mse<double>, l1<double>, huber<double>,
                                                             binary_cross_entropy<double>};

}  // namespace striate::cpu::STRIATE_ISA
