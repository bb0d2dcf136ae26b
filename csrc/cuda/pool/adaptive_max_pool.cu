// Max pooling over windows of changing size, and over wide ones.
#include "core/formula/pool.h"
#include "cuda/kernels.h"
#include "cuda/pool/windows.h"

namespace striate::cuda {
namespace {

template <class T>
struct Best {
  T value;
  int64_t index;
  int64_t seen;  // 0 where there was nothing yet
};

// Of equals, and of several NaN, the first in the plane wins.
template <class T>
struct Better {
  STRIATE_DEVICE Best<T> operator()(const Best<T>& a, const Best<T>& b) const {
    if (b.seen == 0) return a;
    if (a.seen == 0) return b;
    const Best<T>&low = a.index < b.index ? a : b, &high = a.index < b.index ? b : a;
    return formula::wins(Lane<T>{high.value}, Lane<T>{low.value}).value ? high : low;
  }
};

template <class T>
struct Max {
  using State = Best<T>;
  using Merge = Better<T>;
  const T* x;
  T* y;
  int32_t* narrow;
  int64_t* wide;
  STRIATE_DEVICE T load(int64_t at) const { return x[at]; }
  STRIATE_DEVICE void add(State& best, T value, int64_t in_plane) const {
    if (best.seen == 0 || formula::wins(Lane<T>{value}, Lane<T>{best.value}).value)
      best = {value, in_plane, 1};
  }
  STRIATE_DEVICE void store(int64_t output, const State& best, int64_t) const {
    y[output] = best.value;
    if (narrow != nullptr) narrow[output] = static_cast<int32_t>(best.index);
    if (wide != nullptr) wide[output] = best.index;
  }
};

template <class T>
void max_pool(const AvgPoolProblem& p, const T* x, T* y, int32_t* narrow, int64_t* wide,
              const Context& context) {
  const WindowTables tables("adaptive_max_pool", p, context);
  for_each_window("adaptive_max_pool", p, tables, Max<T>{x, y, narrow, wide}, context);
}

}  // namespace

const AdaptiveMaxPoolKernels<float> adaptive_max_pool_f32 = {max_pool<float>};
const AdaptiveMaxPoolKernels<double> adaptive_max_pool_f64 = {max_pool<double>};

}  // namespace striate::cuda
