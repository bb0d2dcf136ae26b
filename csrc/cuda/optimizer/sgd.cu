#include "core/formula/sgd.h"
#include "cuda/kernels.h"
#include "cuda/optimizer/multi_tensor.h"

namespace striate::cuda {
namespace {

template <class T>
struct Sgd {
  static constexpr int states = 1;
  formula::SgdFactors<T> f;

  static STRIATE_DEVICE void locate(const SgdTensor<T>& t, T* (&p)[states]) { p[0] = t.velocity; }
  static void skip_states(SgdTensor<T>& t, int64_t n) { skip(n, t.velocity); }
  STRIATE_DEVICE void operator()([[maybe_unused]] const SgdTensor<T>& t, Lane<T> g, Lane<T>& w,
                                 Lane<T> (&v)[states]) const {
    if (t.velocity == nullptr)
      formula::sgd_plain(f, g, w);
    else
      formula::sgd_momentum(f, t.first, g, w, v[0]);
  }
};

template <class T>
void sgd_step(const SgdOptions& o, const SgdTensor<T>* tensors, int64_t count,
              const Context& context) {
  step<T>("sgd_step", o.clip, tensors, count, Sgd<T>{formula::sgd_factors<T>(o)}, context);
}

}  // namespace

const OptimizerKernels<float> optimizer_f32 = {sgd_step<float>};
const OptimizerKernels<double> optimizer_f64 = {sgd_step<double>};

}  // namespace striate::cuda
