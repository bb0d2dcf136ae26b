#include "core/formula/adagrad.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void adagrad_step(const AdagradOptions& o, const AdagradTensor<T>* tensors, int64_t count,
                  const Context& context) {
  const formula::AdagradFactors<T> f = formula::adagrad_factors<T>(o);
  step_tensors<T>(o.clip, tensors, count, context, [=](const AdagradTensor<T>& t) {
    return [f, accumulator = t.accumulator](int64_t i, int n, Vec<T> g, Vec<T>& w) {
      Vec<T> a = Vec<T>::load(accumulator + i, n);
      formula::adagrad(f, g, w, a);
      a.store(accumulator + i, n);
    };
  });
}

}  // namespace

const AdagradKernels<float> adagrad_f32 = {adagrad_step<float>};
const AdagradKernels<double> adagrad_f64 = {adagrad_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
