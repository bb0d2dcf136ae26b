// A leaky rectifier with a learned slope for each channel.
#include "core/formula/activation.h"
#include "cuda/kernels.h"
#include "cuda/reduce/channels.h"

namespace striate::cuda {
namespace {

template <class T>
struct Prelu {
  const T* weight;
  STRIATE_DEVICE Lane<T> operator()(int64_t channel, Lane<T> x, Lane<T>) const {
    return formula::leaky_relu(x, Lane<T>{weight[channel]});
  }
};

template <class T>
struct PreluGrad {
  const T* weight;
  STRIATE_DEVICE Lane<T> operator()(int64_t channel, Lane<T> dy, Lane<T> x) const {
    return formula::leaky_relu_grad(dy, x, Lane<T>{weight[channel]});
  }
};

template <class T>
struct SlopeGrad {
  const T *dy, *x;
  template <int kRun>
  STRIATE_DEVICE void operator()(int64_t at, T (&run)[kRun]) const {
    T inputs[kRun];
    load_run(dy + at, run);
    load_run(x + at, inputs);
    STRIATE_UNROLL
    for (int k = 0; k < kRun; ++k)
      run[k] = formula::prelu_slope_grad(Lane<T>{run[k]}, Lane<T>{inputs[k]}).value;
  }
};

template <class T>
void prelu(const PreluProblem& p, const T* x, const T* weight, T* y, const Context& context) {
  channel_map<T>("prelu", p.outer, p.channels, p.inner, Prelu<T>{weight}, x, nullptr, y, context);
}

template <class T>
void prelu_grad(const PreluProblem& p, const T* dy, const T* x, const T* weight, T* dx, T* dweight,
                const Context& context) {
  channel_map("prelu_grad", p.outer, p.channels, p.inner, PreluGrad<T>{weight}, dy, x, dx, context);
  reduce_channels("prelu_grad", p.outer, p.channels, p.inner,
                  ChannelSum<T, SlopeGrad<T>>{SlopeGrad<T>{dy, x}}, StoreSum<T>{dweight}, context);
}

}  // namespace

const PreluKernels<float> prelu_f32 = {prelu<float>, prelu_grad<float>};
const PreluKernels<double> prelu_f64 = {prelu<double>, prelu_grad<double>};

}  // namespace striate::cuda
