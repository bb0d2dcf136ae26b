// exp, log and pow by themselves, for what measures their errors; operations include the formulas.
#include "core/formula/exp_log.h"
#include "core/formula/pow.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void exp(int64_t count, const T* x, T* y, const Context& context) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::exp(Vec<T>::load(x + i, n)).store(y + i, n);
    });
  });
}

template <class T>
void log(int64_t count, const T* x, T* y, const Context& context) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::log(Vec<T>::load(x + i, n)).store(y + i, n);
    });
  });
}

template <class T>
void pow(int64_t count, T exponent, const T* x, T* y, const Context& context) {
  const Vec<T> p = Vec<T>::set(exponent);
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::pow(Vec<T>::load(x + i, n), p).store(y + i, n);
    });
  });
}

}  // namespace

const ElementaryKernels<float> elementary_f32 = {exp<float>, log<float>, pow<float>};
const ElementaryKernels<double> elementary_f64 = {exp<double>, log<double>, pow<double>};

}  // namespace striate::cpu::STRIATE_ISA
