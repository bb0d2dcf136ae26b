#include "core/formula/activation.h"
#include "cuda/kernels.h"
#include "cuda/reduce/channels.h"

namespace striate::cuda {
namespace {

// dy, masked by the fused ReLU's output where that is given.
template <class T>
struct Masked {
  const T *dy, *y;
  STRIATE_DEVICE T operator()(const Place& place, int64_t) const {
    const Lane<T> own{dy[place.offset]};
    return y == nullptr ? own.value : formula::relu_grad(own, Lane<T>{y[place.offset]}).value;
  }
};

template <class T>
void bias_grad(const BiasGradProblem& p, const T* dy, const T* y, T* db, const Context& context) {
  reduce_channels("bias_grad", p.outer, p.channels, p.inner,
                  ChannelSum<T, Masked<T>>{Masked<T>{dy, y}}, StoreSum<T>{db}, context);
}

}  // namespace

const ReduceKernels<float> reduce_f32 = {bias_grad<float>};
const ReduceKernels<double> reduce_f64 = {bias_grad<double>};

}  // namespace striate::cuda
