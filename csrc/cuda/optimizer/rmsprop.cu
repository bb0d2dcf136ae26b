// RMSprop, and Adagrad, whose root it shares.
#include "core/formula/rmsprop.h"
#include "cuda/kernels.h"
#include "cuda/optimizer/multi_tensor.h"

namespace striate::cuda {
namespace {

template <class T>
struct Rmsprop {
  static constexpr int states = 3;
  formula::RmspropFactors<T> f;

  static STRIATE_DEVICE void locate(const RmspropTensor<T>& t, T* (&p)[states]) {
    p[0] = t.mean_square;
    p[1] = t.mean_grad;
    p[2] = t.velocity;
  }
  static void skip_states(RmspropTensor<T>& t, int64_t n) {
    skip(n, t.mean_square, t.mean_grad, t.velocity);
  }
  STRIATE_DEVICE void operator()([[maybe_unused]] const RmspropTensor<T>& t, Lane<T> g, Lane<T>& w,
                                 Lane<T> (&v)[states]) const {
    g = formula::penalized(f.penalty, g, w);
    const Lane<T> spread = formula::rmsprop_averages(f, t.mean_grad != nullptr, g, v[0], v[1]);
    formula::rmsprop_update(f, t.velocity != nullptr, g, spread, w, v[2]);
  }
};

template <class T>
struct Adagrad {
  static constexpr int states = 1;
  formula::AdagradFactors<T> f;

  static STRIATE_DEVICE void locate(const AdagradTensor<T>& t, T* (&p)[states]) {
    p[0] = t.accumulator;
  }
  static void skip_states(AdagradTensor<T>& t, int64_t n) { skip(n, t.accumulator); }
  STRIATE_DEVICE void operator()([[maybe_unused]] const AdagradTensor<T>& t, Lane<T> g, Lane<T>& w,
                                 Lane<T> (&v)[states]) const {
    formula::adagrad(f, g, w, v[0]);
  }
};

template <class T>
void rmsprop_step(const RmspropOptions& o, const RmspropTensor<T>* tensors, int64_t count,
                  const Context& context) {
  step<T>("rmsprop_step", o.clip, tensors, count, Rmsprop<T>{formula::rmsprop_factors<T>(o)},
          context);
}

template <class T>
void adagrad_step(const AdagradOptions& o, const AdagradTensor<T>* tensors, int64_t count,
                  const Context& context) {
  step<T>("adagrad_step", o.clip, tensors, count, Adagrad<T>{formula::adagrad_factors<T>(o)},
          context);
}

}  // namespace

const RmspropKernels<float> rmsprop_f32 = {rmsprop_step<float>};
const RmspropKernels<double> rmsprop_f64 = {rmsprop_step<double>};
const AdagradKernels<float> adagrad_f32 = {adagrad_step<float>};
const AdagradKernels<double> adagrad_f64 = {adagrad_step<double>};

}  // namespace striate::cuda
