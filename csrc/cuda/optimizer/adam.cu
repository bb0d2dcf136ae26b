#include "core/formula/adam.h"
#include "cuda/kernels.h"
#include "cuda/optimizer/multi_tensor.h"

namespace striate::cuda {
namespace {

template <class T>
struct Adam {
  static constexpr int states = 3;
  formula::AdamFactors<T> f;

  static STRIATE_DEVICE void locate(const AdamTensor<T>& t, T* (&p)[states]) {
    p[0] = t.exp_avg;
    p[1] = t.exp_avg_sq;
    p[2] = t.max_exp_avg_sq;
  }
  static void skip_states(AdamTensor<T>& t, int64_t n) {
    skip(n, t.exp_avg, t.exp_avg_sq, t.max_exp_avg_sq);
  }
  STRIATE_DEVICE void operator()([[maybe_unused]] const AdamTensor<T>& t, Lane<T> g, Lane<T>& w,
                                 Lane<T> (&v)[states]) const {
    formula::adam_averages(f, g, w, v[0], v[1]);
    Lane<T> square = v[1];
    if (t.max_exp_avg_sq != nullptr) square = v[2] = max(v[2], square);
    w = formula::adam_update(f, static_cast<T>(t.correction.rate),
                             static_cast<T>(t.correction.root_scale), w, v[0], square);
  }
};

template <class T>
void adam_step(const AdamOptions& o, const AdamTensor<T>* tensors, int64_t count,
               const Context& context) {
  step<T>("adam_step", o.clip, tensors, count, Adam<T>{formula::adam_factors<T>(o)}, context);
}

}  // namespace

const AdamKernels<float> adam_f32 = {adam_step<float>};
const AdamKernels<double> adam_f64 = {adam_step<double>};

}  // namespace striate::cuda
