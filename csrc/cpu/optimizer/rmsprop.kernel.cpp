#include "core/formula/rmsprop.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void rmsprop_step(const RmspropOptions& o, const RmspropTensor<T>* tensors, int64_t count,
                  const Context& context) {
  const formula::RmspropFactors<T> f = formula::rmsprop_factors<T>(o);
  parallel_tensors(
      context, tensors, count, [=](const RmspropTensor<T>& t, int64_t begin, int64_t end, int64_t) {
        const bool centered = t.mean_grad != nullptr, moving = t.velocity != nullptr;
        for_each_vector<T>(begin, end, [=](int64_t i, int n) {
          Vec<T> w = Vec<T>::load(t.param + i, n);
          Vec<T> square = Vec<T>::load(t.mean_square + i, n);
          Vec<T> mean = Vec<T>::zero(), v = Vec<T>::zero();
          if (centered) mean = Vec<T>::load(t.mean_grad + i, n);
          if (moving) v = Vec<T>::load(t.velocity + i, n);
          const Vec<T> g = formula::penalized(f.penalty, Vec<T>::load(t.grad + i, n), w);
          const Vec<T> spread = formula::rmsprop_averages(f, centered, g, square, mean);
          formula::rmsprop_update(f, moving, g, spread, w, v);
          square.store(t.mean_square + i, n);
          if (centered) mean.store(t.mean_grad + i, n);
          if (moving) v.store(t.velocity + i, n);
          w.store(t.param + i, n);
        });
      });
}

}  // namespace

const RmspropKernels<float> rmsprop_f32 = {rmsprop_step<float>};
const RmspropKernels<double> rmsprop_f64 = {rmsprop_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
