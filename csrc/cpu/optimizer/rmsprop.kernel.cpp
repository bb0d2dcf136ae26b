#include "core/formula/rmsprop.h"

#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void rmsprop_step(const RmspropOptions& o, const RmspropTensor<T>* tensors, int64_t count,
                  const Context& context) {
  const formula::RmspropFactors<T> f = formula::rmsprop_factors<T>(o);
  step_tensors<T>(o.clip, tensors, count, context, [=](const RmspropTensor<T>& t) {
    return [f, squares = t.mean_square, means = t.mean_grad, velocities = t.velocity](
               int64_t i, int n, Vec<T> g, Vec<T>& w) {
      const bool centered = means != nullptr, moving = velocities != nullptr;
      Vec<T> square = Vec<T>::load(squares + i, n);
      Vec<T> mean = Vec<T>::zero(), v = Vec<T>::zero();
      if (centered) mean = Vec<T>::load(means + i, n);
      if (moving) v = Vec<T>::load(velocities + i, n);
      g = formula::penalized(f.penalty, g, w);
      const Vec<T> spread = formula::rmsprop_averages(f, centered, g, square, mean);
      formula::rmsprop_update(f, moving, g, spread, w, v);
      square.store(squares + i, n);
      if (centered) mean.store(means + i, n);
      if (moving) v.store(velocities + i, n);
    };
  });
}

}  // namespace

const RmspropKernels<float> rmsprop_f32 = {rmsprop_step<float>};
const RmspropKernels<double> rmsprop_f64 = {rmsprop_step<double>};

}  // namespace striate::cpu::STRIATE_ISA
