#include "core/formula/activation.h"
#include "core/formula/batch_norm.h"
#include "cuda/kernels.h"
#include "cuda/norm/moments.h"

namespace striate::cuda {
namespace {

using formula::BatchNormGradFactors;
using formula::BatchNormSums;
using formula::NormalizeFactors;

template <class T>
struct StoreMoments {
  double eps;
  const T *gamma, *beta;
  T *mean, *var;
  NormalizeFactors<T>* factors;

  STRIATE_DEVICE void operator()(int64_t c, const Moments& moments) const {
    if (moments.count == 0) {  // no values, no statistics
      mean[c] = var[c] = static_cast<T>(__builtin_nan(""));
      return;
    }
    const double variance = moments.squares / moments.count;
    mean[c] = static_cast<T>(moments.mean);
    var[c] = static_cast<T>(variance);
    factors[c] = NormalizeFactors<T>::of(moments.mean, variance, eps, value_or(gamma, c, T(1)),
                                         value_or(beta, c, T(0)));
  }
};

template <class T, bool kRelu>
struct Normalize {
  const NormalizeFactors<T>* factors;
  STRIATE_DEVICE Lane<T> operator()(int64_t c, Lane<T> x, Lane<T>) const {
    const NormalizeFactors<T>& f = factors[c];
    const Lane<T> y = formula::normalize(x, Lane<T>{f.centre}, Lane<T>{f.scale}, Lane<T>{f.shift});
    return kRelu ? formula::relu(y) : y;
  }
};

template <class T>
void train(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta, T* y, T* mean,
           T* var, const Context& context) {
  constexpr char what[] = "batch_norm_train";
  const Scratch<NormalizeFactors<T>> factors(context, p.channels);
  reduce_channels(what, p.batch, p.channels, p.positions, ChannelMoments<T>{x},
                  StoreMoments<T>{p.eps, gamma, beta, mean, var, factors.data()}, context);
  channel_map<T>(what, p.batch, p.channels, p.positions, Normalize<T, false>{factors.data()}, x,
                 nullptr, y, context);
}

template <class T>
__global__ void factors_kernel(int64_t channels, double eps, const T* __restrict__ mean,
                               const T* __restrict__ var, const T* __restrict__ gamma,
                               const T* __restrict__ beta,
                               NormalizeFactors<T>* __restrict__ factors) {
  for (int64_t c = thread_index(); c < channels; c += thread_count())
    factors[c] = NormalizeFactors<T>::of(mean[c], var[c], eps, value_or(gamma, c, T(1)),
                                         value_or(beta, c, T(0)));
}

template <class T>
void inference(const BatchNormProblem& p, const T* x, const T* mean, const T* var, const T* gamma,
               const T* beta, bool relu, T* y, const Context& context) {
  constexpr char what[] = "batch_norm";
  const Scratch<NormalizeFactors<T>> factors(context, p.channels);
  launch(what, factors_kernel<T>, blocks_for(p.channels), kThreads, 0, context, p.channels, p.eps,
         mean, var, gamma, beta, factors.data());
  if (relu)
    channel_map<T>(what, p.batch, p.channels, p.positions, Normalize<T, true>{factors.data()}, x,
                   nullptr, y, context);
  else
    channel_map<T>(what, p.batch, p.channels, p.positions, Normalize<T, false>{factors.data()}, x,
                   nullptr, y, context);
}

// The sums that the gradient needs.
template <class T>
struct GradSums {
  using Value = BatchNormSums;
  static constexpr int kRun = Pack<T>::size;
  const T *dy, *x, *mean;
  template <int kTaken>
  __device__ Value reduce(const Share& share, int64_t channel) const {
    const T centre = mean[channel];
    LongSum<T> sum_dy, sum_dy_x, sum_x;
    STRIATE_UNROLL_BY(2)
    for (int64_t i = share.first; i < share.length; i += share.stride) {
      const int64_t at = share.at(i).offset;
      T g[kTaken], d[kTaken], product[kTaken];
      load_run(dy + at, g);
      load_run(x + at, d);
      STRIATE_UNROLL
      for (int k = 0; k < kTaken; ++k) {
        d[k] -= centre;
        product[k] = g[k] * d[k];
      }
      sum_dy.add(g);
      sum_dy_x.add(product);
      sum_x.add(d);
    }
    return {sum_dy.total(), sum_dy_x.total(), sum_x.total()};
  }
  static STRIATE_DEVICE Value merge(Value a, const Value& b) {
    a.merge(b);
    return a;
  }
};

template <class T>
struct StoreGradFactors {
  double count, eps;
  const T *mean, *var, *gamma;
  bool frozen;
  T *dgamma, *dbeta;
  BatchNormGradFactors<T>* factors;

  STRIATE_DEVICE void operator()(int64_t c, const BatchNormSums& sums) const {
    if (count == 0) {
      dgamma[c] = dbeta[c] = 0;
      return;
    }
    factors[c] = BatchNormGradFactors<T>::of(sums, count, mean[c], var[c], eps,
                                             value_or(gamma, c, T(1)), frozen);
    dgamma[c] = factors[c].dgamma;
    dbeta[c] = factors[c].dbeta;
  }
};

template <class T>
struct ApplyGrad {
  const BatchNormGradFactors<T>* factors;
  bool frozen;
  STRIATE_DEVICE Lane<T> operator()(int64_t c, Lane<T> dy, Lane<T> x) const {
    const BatchNormGradFactors<T>& f = factors[c];
    if (frozen) return Lane<T>{f.a} * dy;
    return formula::batch_norm_grad(dy, x, Lane<T>{f.centre}, Lane<T>{f.a}, Lane<T>{f.b},
                                    Lane<T>{f.c});
  }
};

template <class T>
void grad(const BatchNormProblem& p, const T* dy, const T* x, const T* gamma, const T* mean,
          const T* var, bool frozen, T* dx, T* dgamma, T* dbeta, const Context& context) {
  constexpr char what[] = "batch_norm_grad";
  const Scratch<BatchNormGradFactors<T>> factors(context, p.channels);
  reduce_channels(what, p.batch, p.channels, p.positions, GradSums<T>{dy, x, mean},
                  StoreGradFactors<T>{static_cast<double>(p.per_channel()), p.eps, mean, var, gamma,
                                      frozen, dgamma, dbeta, factors.data()},
                  context);
  channel_map(what, p.batch, p.channels, p.positions, ApplyGrad<T>{factors.data(), frozen}, dy, x,
              dx, context);
}

}  // namespace

const BatchNormKernels<float> batch_norm_f32 = {inference<float>, train<float>, grad<float>};
const BatchNormKernels<double> batch_norm_f64 = {inference<double>, train<double>, grad<double>};

}  // namespace striate::cuda
