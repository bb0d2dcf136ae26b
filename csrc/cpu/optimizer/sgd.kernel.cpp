#include "core/formula/sgd.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void sgd_step(const SgdOptions& o, const SgdTensor<T>* tensors, int64_t count,
              const Context& context) {
  const formula::SgdFactors<T> f = formula::sgd_factors<T>(o);
  step_tensors<T>(o.clip, tensors, count, context, [=](const SgdTensor<T>& t) {
    return [f, velocity = t.velocity, first = t.first](int64_t i, int n, Vec<T> g, Vec<T>& w) {
      if (velocity == nullptr) return formula::sgd_plain(f, g, w);
      Vec<T> v = Vec<T>::load(velocity + i, n);
      formula::sgd_momentum(f, first, g, w, v);
      v.store(velocity + i, n);
    };
  });
}

}  // namespace

const OptimizerKernels<float> optimizer_f32 = {sgd_step<float>};
const OptimizerKernels<double> optimizer_f64 = {sgd_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
