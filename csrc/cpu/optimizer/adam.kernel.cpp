#include "core/formula/adam.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void adam_step(const AdamOptions& o, const AdamTensor<T>* tensors, int64_t count,
               const Context& context) {
  const formula::AdamFactors<T> f = formula::adam_factors<T>(o);
  step_tensors<T>(o.clip, tensors, count, context, [=](const AdamTensor<T>& t) {
    const T rate = static_cast<T>(t.correction.rate);
    const T root_scale = static_cast<T>(t.correction.root_scale);
    return [=, exp_avg = t.exp_avg, exp_avg_sq = t.exp_avg_sq, greatest = t.max_exp_avg_sq](
               int64_t i, int n, Vec<T> g, Vec<T>& w) {
      Vec<T> m = Vec<T>::load(exp_avg + i, n);
      Vec<T> v = Vec<T>::load(exp_avg_sq + i, n);
      formula::adam_averages(f, g, w, m, v);
      m.store(exp_avg + i, n);
      v.store(exp_avg_sq + i, n);
      if (greatest != nullptr) {
        v = max(Vec<T>::load(greatest + i, n), v);
        v.store(greatest + i, n);
      }
      w = formula::adam_update(f, rate, root_scale, w, m, v);
    };
  });
}

}  // namespace

const AdamKernels<float> adam_f32 = {adam_step<float>};
const AdamKernels<double> adam_f64 = {adam_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
