// What follows an update: the weights' moving averages, and bounds on their norms.
#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"
#include "cpu/optimizer/square_sum.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void ema_step(double decay, const EmaTensor<T>* tensors, int64_t count, const Context& context) {
  const T share = static_cast<T>(1 - decay);
  parallel_tensors(context, tensors, count,
                   [=](const EmaTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       const Vec<T> a = Vec<T>::load(t.average + i, n);
                       const Vec<T> w = Vec<T>::load(t.param + i, n);
                       formula::averaged(a, w, share).store(t.average + i, n);
                     });
                   });
}

// A row that is longer is scaled to max_norm; one whose norm is NaN stays.
template <class T>
void max_norm_step(double max_norm, const RowTensor<T>* tensors, int64_t count,
                   const Context& context) {
  for (int64_t k = 0; k < count; ++k) {
    const RowTensor<T> t = tensors[k];
    if (t.rows == 0 || t.length == 0) continue;
    const int64_t block = t.length < kElementsPerChunk ? kElementsPerChunk / t.length : 1;
    parallel_for(context, ceil_div(t.rows, block), 0, [=](int64_t chunk, void*) {
      const int64_t last = (chunk + 1) * block < t.rows ? (chunk + 1) * block : t.rows;
      for (int64_t row = chunk * block; row < last; ++row) {
        T* const w = t.param + row * t.length;
        const double norm = __builtin_sqrt(square_sum(w, 0, t.length));
        if (!(norm > max_norm)) continue;
        const Vec<T> by = Vec<T>::set(static_cast<T>(max_norm / norm));
        for_each_vector<T>(
            0, t.length, [=](int64_t i, int n) { (Vec<T>::load(w + i, n) * by).store(w + i, n); });
      }
    });
  }
}

}  // namespace

const WeightKernels<float> weights_f32 = {ema_step<float>, max_norm_step<float>};
const WeightKernels<double> weights_f64 = {ema_step<double>, max_norm_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
