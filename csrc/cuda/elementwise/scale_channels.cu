// Planes times a number each.
#include "cuda/kernels.h"
#include "cuda/reduce/channels.h"

namespace striate::cuda {
namespace {

template <class T>
struct Scale {
  const T* scale;
  STRIATE_DEVICE Lane<T> operator()(int64_t plane, Lane<T> x, Lane<T>) const {
    return x * Lane<T>{scale[plane]};
  }
};

template <class T>
struct Product {
  const T *a, *b;
  template <int kRun>
  STRIATE_DEVICE void operator()(int64_t at, T (&run)[kRun]) const {
    T others[kRun];
    load_run(a + at, run);
    load_run(b + at, others);
    STRIATE_UNROLL
    for (int k = 0; k < kRun; ++k) run[k] *= others[k];
  }
};

template <class T>
void forward(const ScaleChannelsProblem& p, const T* x, const T* scale, T* y,
             const Context& context) {
  channel_map<T>("scale_channels", 1, p.planes, p.inner, Scale<T>{scale}, x, nullptr, y, context);
}

template <class T>
void grad(const ScaleChannelsProblem& p, const T* dy, const T* x, const T* scale, T* dx, T* dscale,
          const Context& context) {
  forward(p, dy, scale, dx, context);
  reduce_channels("scale_channels_grad", 1, p.planes, p.inner,
                  ChannelSum<T, Product<T>>{Product<T>{dy, x}}, StoreSum<T>{dscale}, context);
}

}  // namespace

const ScaleChannelsKernels<float> scale_channels_f32 = {forward<float>, grad<float>};
const ScaleChannelsKernels<double> scale_channels_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
