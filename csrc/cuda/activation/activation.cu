#include "core/formula/activation.h"
#include "cuda/kernels.h"
#include "cuda/map.h"

namespace striate::cuda {
namespace {

// A formula of one array or of two as what a kernel can take, with up to two numbers.
#define STRIATE_FUNCTOR1(Name, formula_call)                                    \
  template <class T>                                                            \
  struct Name {                                                                 \
    T a, b;                                                                     \
    STRIATE_DEVICE Lane<T> operator()(Lane<T> x) const { return formula_call; } \
  };
#define STRIATE_FUNCTOR2(Name, formula_call)                                                \
  template <class T>                                                                        \
  struct Name {                                                                             \
    T a, b;                                                                                 \
    STRIATE_DEVICE Lane<T> operator()(Lane<T> dy, Lane<T> x) const { return formula_call; } \
  };

STRIATE_FUNCTOR1(Relu, formula::relu(x))
STRIATE_FUNCTOR2(ReluGrad, formula::relu_grad(dy, x))
STRIATE_FUNCTOR1(LeakyRelu, formula::leaky_relu(x, Lane<T>{a}))
STRIATE_FUNCTOR2(LeakyReluGrad, formula::leaky_relu_grad(dy, x, Lane<T>{a}))
STRIATE_FUNCTOR1(Elu, formula::elu(x, Lane<T>{a}))
STRIATE_FUNCTOR2(EluGrad, formula::elu_grad(dy, x, Lane<T>{a}))
STRIATE_FUNCTOR1(Sigmoid, formula::sigmoid(x))
STRIATE_FUNCTOR2(SigmoidGrad, formula::sigmoid_grad(dy, x))
STRIATE_FUNCTOR1(Tanh, formula::tanh(x))
STRIATE_FUNCTOR2(TanhGrad, formula::tanh_grad(dy, x))
STRIATE_FUNCTOR1(Softplus, formula::softplus(x, Lane<T>{a}, Lane<T>{b}))
STRIATE_FUNCTOR2(SoftplusGrad, formula::softplus_grad(dy, x, Lane<T>{a}, Lane<T>{b}))
STRIATE_FUNCTOR1(Silu, formula::silu(x))
STRIATE_FUNCTOR2(SiluGrad, formula::silu_grad(dy, x))
STRIATE_FUNCTOR1(Gelu, formula::gelu(x))
STRIATE_FUNCTOR2(GeluGrad, formula::gelu_grad(dy, x))
STRIATE_FUNCTOR1(GeluTanh, formula::gelu_tanh(x))
STRIATE_FUNCTOR2(GeluTanhGrad, formula::gelu_tanh_grad(dy, x))
STRIATE_FUNCTOR1(Hardswish, formula::hardswish(x))
STRIATE_FUNCTOR2(HardswishGrad, formula::hardswish_grad(dy, x))
#undef STRIATE_FUNCTOR1
#undef STRIATE_FUNCTOR2

template <template <class> class F, class T>
void forward(int64_t count, const T* x, T* y, const Context& context) {
  map("activation", count, y, context, F<T>{}, x);
}

template <template <class> class F, class T>
void grad(int64_t count, const T* dy, const T* x, T* dx, const Context& context) {
  map("activation gradient", count, dx, context, F<T>{}, dy, x);
}

// The same with one number, and with two.
template <template <class> class F, class T>
void forward1(int64_t count, const T* x, T a, T* y, const Context& context) {
  map("activation", count, y, context, F<T>{a, T(0)}, x);
}

template <template <class> class F, class T>
void grad1(int64_t count, const T* dy, const T* x, T a, T* dx, const Context& context) {
  map("activation gradient", count, dx, context, F<T>{a, T(0)}, dy, x);
}

template <template <class> class F, class T>
void forward2(int64_t count, const T* x, T a, T b, T* y, const Context& context) {
  map("activation", count, y, context, F<T>{a, b}, x);
}

template <template <class> class F, class T>
void grad2(int64_t count, const T* dy, const T* x, T a, T b, T* dx, const Context& context) {
  map("activation gradient", count, dx, context, F<T>{a, b}, dy, x);
}

template <class T>
void gelu(int64_t count, const T* x, bool tanh, T* y, const Context& context) {
  (tanh ? forward<GeluTanh, T> : forward<Gelu, T>)(count, x, y, context);
}

template <class T>
void gelu_grad(int64_t count, const T* dy, const T* x, bool tanh, T* dx, const Context& context) {
  (tanh ? grad<GeluTanhGrad, T> : grad<GeluGrad, T>)(count, dy, x, dx, context);
}

template <class T>
constexpr ActivationKernels<T> kActivation = {forward<Relu, T>,
                                              grad<ReluGrad, T>,
                                              forward1<LeakyRelu, T>,
                                              grad1<LeakyReluGrad, T>,
                                              forward1<Elu, T>,
                                              grad1<EluGrad, T>,
                                              forward<Sigmoid, T>,
                                              grad<SigmoidGrad, T>,
                                              forward<Tanh, T>,
                                              grad<TanhGrad, T>,
                                              forward2<Softplus, T>,
                                              grad2<SoftplusGrad, T>,
                                              forward<Silu, T>,
                                              grad<SiluGrad, T>,
                                              gelu<T>,
                                              gelu_grad<T>,
                                              forward<Hardswish, T>,
                                              grad<HardswishGrad, T>};

}  // namespace

const ActivationKernels<float> activation_f32 = kActivation<float>;
const ActivationKernels<double> activation_f64 = kActivation<double>;

}  // namespace striate::cuda
