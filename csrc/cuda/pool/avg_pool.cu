#include "cuda/kernels.h"
#include "cuda/pool/windows.h"

namespace striate::cuda {
namespace {

template <class T>
struct Mean {
  using State = LongSum<T>;
  using Merge = AddLongSums;
  const T* x;
  T* y;
  STRIATE_DEVICE T load(int64_t at) const { return x[at]; }
  STRIATE_DEVICE void add(State& sum, T value, int64_t) const { sum.add(value); }
  STRIATE_DEVICE void store(int64_t output, const State& sum, int64_t divisor) const {
    y[output] = static_cast<T>(sum.total()) / static_cast<T>(divisor);
  }
};

template <class T>
struct MeanGrad {
  const T* dy;
  STRIATE_DEVICE T load(int64_t output) const { return dy[output]; }
  STRIATE_DEVICE T share(int64_t, T own, int64_t divisor) const {
    return own / static_cast<T>(divisor);
  }
  STRIATE_DEVICE T gradient(int64_t, T sum) const { return sum; }
};

template <class T>
void forward(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  const WindowTables tables("avg_pool", p, context);
  for_each_window("avg_pool", p, tables, Mean<T>{x, y}, context);
}

template <class T>
void grad(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  const WindowTables tables("avg_pool_grad", p, context);
  for_each_element("avg_pool_grad", p, tables, MeanGrad<T>{dy}, dx, context);
}

}  // namespace

const AvgPoolKernels<float> avg_pool_f32 = {forward<float>, grad<float>};
const AvgPoolKernels<double> avg_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
