#include "core/formula/adam.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void adam_step(const AdamOptions& o, const AdamTensor<T>* tensors, int64_t count,
               const Context& context) {
  const formula::AdamFactors<T> f = formula::adam_factors<T>(o);
  parallel_tensors(context, tensors, count,
                   [=](const AdamTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     const T rate = static_cast<T>(t.correction.rate);
                     const T root_scale = static_cast<T>(t.correction.root_scale);
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       Vec<T> w = Vec<T>::load(t.param + i, n);
                       Vec<T> m = Vec<T>::load(t.exp_avg + i, n);
                       Vec<T> v = Vec<T>::load(t.exp_avg_sq + i, n);
                       formula::adam_averages(f, Vec<T>::load(t.grad + i, n), w, m, v);
                       m.store(t.exp_avg + i, n);
                       v.store(t.exp_avg_sq + i, n);
                       if (t.max_exp_avg_sq != nullptr) {
                         v = max(Vec<T>::load(t.max_exp_avg_sq + i, n), v);
                         v.store(t.max_exp_avg_sq + i, n);
                       }
                       formula::adam_update(f, rate, root_scale, w, m, v).store(t.param + i, n);
                     });
                   });
}

}  // namespace

const AdamKernels<float> adam_f32 = {adam_step<float>};
const AdamKernels<double> adam_f64 = {adam_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
