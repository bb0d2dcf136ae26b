// Sums and products of two arrays of one shape.
#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Calls body(i, n) for every vector of the arrays.
template <class T, class Body>
STRIATE_INLINE void for_all(int64_t count, const Context& context, const Body& body) {
  parallel_elements(context, count,
                    [&](int64_t begin, int64_t end) { for_each_vector<T>(begin, end, body); });
}

template <class T>
void add(int64_t count, const T* a, const T* b, bool relu, T* y, const Context& context) {
  if (relu)
    for_all<T>(count, context, [=](int64_t i, int n) {
      formula::relu(Vec<T>::load(a + i, n) + Vec<T>::load(b + i, n)).store(y + i, n);
    });
  else
    for_all<T>(count, context, [=](int64_t i, int n) {
      (Vec<T>::load(a + i, n) + Vec<T>::load(b + i, n)).store(y + i, n);
    });
}

template <class T>
void mul(int64_t count, const T* a, const T* b, T* y, const Context& context) {
  for_all<T>(count, context, [=](int64_t i, int n) {
    (Vec<T>::load(a + i, n) * Vec<T>::load(b + i, n)).store(y + i, n);
  });
}

template <class T>
void mul_grad(int64_t count, const T* dy, const T* a, const T* b, T* da, T* db,
              const Context& context) {
  for_all<T>(count, context, [=](int64_t i, int n) {
    const Vec<T> slope = Vec<T>::load(dy + i, n);
    (slope * Vec<T>::load(b + i, n)).store(da + i, n);
    (slope * Vec<T>::load(a + i, n)).store(db + i, n);
  });
}

}  // namespace

const ElementwiseKernels<float> elementwise_f32 = {add<float>, mul<float>, mul_grad<float>};
const ElementwiseKernels<double> elementwise_f64 = {add<double>, mul<double>, mul_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
