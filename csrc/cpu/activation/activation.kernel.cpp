#include "core/formula/activation.h"

#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Asks for what a pass over memory meets 2 KiB later, so that it waits less: a product of two
// arrays of 37 MB takes 1.95 ms, and 2.2 without.
template <bool kWrites, class T>
STRIATE_INLINE void ask_ahead(const T* p) {
  constexpr int64_t kAhead = 2048 / sizeof(T), kLine = 64 / sizeof(T);
#pragma GCC unroll 2
  for (int64_t i = 0; i < VecPair<T>::lanes; i += kLine)
    __builtin_prefetch(p + kAhead + i, kWrites, 3);
}

// y = f(x), for any vectors or pairs of them.
template <class T, class F>
STRIATE_INLINE void map(int64_t count, const T* x, T* y, const Context& context, const F& f) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    const int64_t rest =
        for_each_pair<T>(begin, end, [=](int64_t i) { f(VecPair<T>::load(x + i)).store(y + i); });
    for_each_vector<T>(rest, end,
                       [=](int64_t i, int n) { f(Vec<T>::load(x + i, n)).store(y + i, n); });
  });
}

// dx = f(dy, x_or_y)
template <class T, class F>
STRIATE_INLINE void map(int64_t count, const T* dy, const T* x_or_y, T* dx, const Context& context,
                        const F& f) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    const int64_t rest = for_each_pair<T>(begin, end, [=](int64_t i) {
      ask_ahead<false>(dy + i);
      ask_ahead<false>(x_or_y + i);
      ask_ahead<true>(dx + i);
      f(VecPair<T>::load(dy + i), VecPair<T>::load(x_or_y + i)).store(dx + i);
    });
    for_each_vector<T>(rest, end, [=](int64_t i, int n) {
      f(Vec<T>::load(dy + i, n), Vec<T>::load(x_or_y + i, n)).store(dx + i, n);
    });
  });
}

template <class T>
void relu(int64_t count, const T* x, T* y, const Context& context) {
  map(count, x, y, context, [](auto v) { return formula::relu(v); });
}

template <class T>
void relu_grad(int64_t count, const T* dy, const T* y, T* dx, const Context& context) {
  map(count, dy, y, dx, context, [](auto g, auto v) { return formula::relu_grad(g, v); });
}

template <class T>
void leaky_relu(int64_t count, const T* x, T slope, T* y, const Context& context) {
  map(count, x, y, context,
      [=](auto v) { return formula::leaky_relu(v, decltype(v)::set(slope)); });
}

template <class T>
void leaky_relu_grad(int64_t count, const T* dy, const T* x, T slope, T* dx,
                     const Context& context) {
  map(count, dy, x, dx, context,
      [=](auto g, auto v) { return formula::leaky_relu_grad(g, v, decltype(v)::set(slope)); });
}

template <class T>
void elu(int64_t count, const T* x, T alpha, T* y, const Context& context) {
  map(count, x, y, context, [=](auto v) { return formula::elu(v, decltype(v)::set(alpha)); });
}

template <class T>
void elu_grad(int64_t count, const T* dy, const T* y, T alpha, T* dx, const Context& context) {
  map(count, dy, y, dx, context,
      [=](auto g, auto v) { return formula::elu_grad(g, v, decltype(v)::set(alpha)); });
}

template <class T>
void sigmoid(int64_t count, const T* x, T* y, const Context& context) {
  map(count, x, y, context, [](auto v) { return formula::sigmoid(v); });
}

template <class T>
void sigmoid_grad(int64_t count, const T* dy, const T* y, T* dx, const Context& context) {
  map(count, dy, y, dx, context, [](auto g, auto v) { return formula::sigmoid_grad(g, v); });
}

template <class T>
void tanh(int64_t count, const T* x, T* y, const Context& context) {
  map(count, x, y, context, [](auto v) { return formula::tanh(v); });
}

template <class T>
void tanh_grad(int64_t count, const T* dy, const T* y, T* dx, const Context& context) {
  map(count, dy, y, dx, context, [](auto g, auto v) { return formula::tanh_grad(g, v); });
}

template <class T>
void softplus(int64_t count, const T* x, T beta, T threshold, T* y, const Context& context) {
  map(count, x, y, context, [=](auto v) {
    return formula::softplus(v, decltype(v)::set(beta), decltype(v)::set(threshold));
  });
}

template <class T>
void softplus_grad(int64_t count, const T* dy, const T* x, T beta, T threshold, T* dx,
                   const Context& context) {
  map(count, dy, x, dx, context, [=](auto g, auto v) {
    return formula::softplus_grad(g, v, decltype(v)::set(beta), decltype(v)::set(threshold));
  });
}

template <class T>
void silu(int64_t count, const T* x, T* y, const Context& context) {
  map(count, x, y, context, [](auto v) { return formula::silu(v); });
}

template <class T>
void silu_grad(int64_t count, const T* dy, const T* x, T* dx, const Context& context) {
  map(count, dy, x, dx, context, [](auto g, auto v) { return formula::silu_grad(g, v); });
}

template <class T>
void gelu(int64_t count, const T* x, bool tanh, T* y, const Context& context) {
  if (tanh)
    map(count, x, y, context, [](auto v) { return formula::gelu_tanh(v); });
  else
    map(count, x, y, context, [](auto v) { return formula::gelu(v); });
}

template <class T>
void gelu_grad(int64_t count, const T* dy, const T* x, bool tanh, T* dx, const Context& context) {
  if (tanh)
    map(count, dy, x, dx, context, [](auto g, auto v) { return formula::gelu_tanh_grad(g, v); });
  else
    map(count, dy, x, dx, context, [](auto g, auto v) { return formula::gelu_grad(g, v); });
}

template <class T>
void hardswish(int64_t count, const T* x, T* y, const Context& context) {
  map(count, x, y, context, [](auto v) { return formula::hardswish(v); });
}

template <class T>
void hardswish_grad(int64_t count, const T* dy, const T* x, T* dx, const Context& context) {
  map(count, dy, x, dx, context, [](auto g, auto v) { return formula::hardswish_grad(g, v); });
}

template <class T>
constexpr ActivationKernels<T> kActivation = {
    relu<T>,      relu_grad<T>,     leaky_relu<T>, leaky_relu_grad<T>,
    elu<T>,       elu_grad<T>,      sigmoid<T>,    sigmoid_grad<T>,
    tanh<T>,      tanh_grad<T>,     softplus<T>,   softplus_grad<T>,
    silu<T>,      silu_grad<T>,     gelu<T>,       gelu_grad<T>,
    hardswish<T>, hardswish_grad<T>};

}  // namespace

const ActivationKernels<float> activation_f32 = kActivation<float>;
const ActivationKernels<double> activation_f64 = kActivation<double>;

}  // namespace striate::cpu::STRIATE_ISA
