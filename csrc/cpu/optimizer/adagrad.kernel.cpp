#include "core/formula/adagrad.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void adagrad_step(const AdagradOptions& o, const AdagradTensor<T>* tensors, int64_t count,
                  const Context& context) {
  const formula::AdagradFactors<T> f = formula::adagrad_factors<T>(o);
  parallel_tensors(context, tensors, count,
                   [=](const AdagradTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       Vec<T> w = Vec<T>::load(t.param + i, n);
                       Vec<T> a = Vec<T>::load(t.accumulator + i, n);
                       formula::adagrad(f, Vec<T>::load(t.grad + i, n), w, a);
                       a.store(t.accumulator + i, n);
                       w.store(t.param + i, n);
                     });
                   });
}

}  // namespace

const AdagradKernels<float> adagrad_f32 = {adagrad_step<float>};
const AdagradKernels<double> adagrad_f64 = {adagrad_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
