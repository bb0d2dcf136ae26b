#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void relu(int64_t count, const T* x, T* y, const Context& context) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::relu(Vec<T>::load(x + i, n)).store(y + i, n);
    });
  });
}

template <class T>
void relu_grad(int64_t count, const T* dy, const T* y, T* dx, const Context& context) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::relu_grad(Vec<T>::load(dy + i, n), Vec<T>::load(y + i, n)).store(dx + i, n);
    });
  });
}

}  // namespace

const ActivationKernels<float> activation_f32 = {relu<float>, relu_grad<float>};
const ActivationKernels<double> activation_f64 = {relu<double>, relu_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
