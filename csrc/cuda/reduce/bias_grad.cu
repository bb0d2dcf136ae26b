#include "core/formula/activation.h"
#include "cuda/kernels.h"
#include "cuda/reduce/channels.h"

namespace striate::cuda {
namespace {

// dy, masked by the fused ReLU's output where that is given.
template <class T>
struct Masked {
  const T *dy, *y;
  template <int kRun>
  STRIATE_DEVICE void operator()(int64_t at, T (&run)[kRun]) const {
    load_run(dy + at, run);
    if (y == nullptr) return;
    T outputs[kRun];
    load_run(y + at, outputs);
    STRIATE_UNROLL
    for (int k = 0; k < kRun; ++k)
      run[k] = formula::relu_grad(Lane<T>{run[k]}, Lane<T>{outputs[k]}).value;
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
