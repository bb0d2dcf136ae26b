#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/reduce/channel_sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void bias_grad(const BiasGradProblem& p, const T* dy, const T* y, T* db, const Context& context) {
  if (y == nullptr) {
    channel_sums(p, db, context, [=](int64_t i, int n) { return Vec<T>::load(dy + i, n); });
    return;
  }
  channel_sums(p, db, context, [=](int64_t i, int n) {
    return formula::relu_grad(Vec<T>::load(dy + i, n), Vec<T>::load(y + i, n));
  });
}

}  // namespace

const ReduceKernels<float> reduce_f32 = {bias_grad<float>};
const ReduceKernels<double> reduce_f64 = {bias_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
