#include "core/formula/sgd.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void sgd_step(const SgdOptions& o, const SgdTensor<T>* tensors, int64_t count,
              const Context& context) {
  const formula::SgdFactors<T> f = formula::sgd_factors<T>(o);
  parallel_tensors(context, tensors, count,
                   [=](const SgdTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       const Vec<T> g = Vec<T>::load(t.grad + i, n);
                       Vec<T> w = Vec<T>::load(t.param + i, n);
                       if (t.velocity == nullptr) {
                         formula::sgd_plain(f, g, w);
                       } else {
                         Vec<T> v = Vec<T>::load(t.velocity + i, n);
                         formula::sgd_momentum(f, t.first, g, w, v);
                         v.store(t.velocity + i, n);
                       }
                       w.store(t.param + i, n);
                     });
                   });
}

}  // namespace

const OptimizerKernels<float> optimizer_f32 = {sgd_step<float>};
const OptimizerKernels<double> optimizer_f64 = {sgd_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
