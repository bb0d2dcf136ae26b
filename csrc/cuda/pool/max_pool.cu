// Max pooling: a thread for each output.
#include "core/formula/pool.h"
#include "cuda/kernels.h"
#include "cuda/pool/geometry.h"
#include "cuda/pool/max_grad.h"
#include "cuda/read_ahead.h"

namespace striate::cuda {
namespace {

// `indices` may be null.
template <class T, class Index>
__global__ void max_kernel(int64_t count, const __grid_constant__ Window w,
                           const __grid_constant__ PlaneMap map, const T* __restrict__ x,
                           T* __restrict__ y, Index* __restrict__ indices) {
  const int64_t in_size = w.in[0] * w.in[1] * w.in[2];
  for (int64_t i = thread_index(); i < count; i += thread_count()) {
    const PlaneMap::Place place = map(i);
    const T* const plane = x + place.plane * in_size;
    Range taps[kSpatial];
    int64_t origin[kSpatial];
    for (int axis = 0; axis < kSpatial; ++axis) {
      taps[axis] = formula::taps_inside(w, axis, place.at[axis]);
      origin[axis] = formula::window_origin(w, axis, place.at[axis]);
    }
    Lane<T> best{static_cast<T>(-__builtin_inf())};
    int64_t index = -1;
    for (int64_t a = taps[0].begin; a < taps[0].end; ++a) {
      const int64_t layer = (origin[0] + a * w.dilation[0]) * w.in[1];
      const int64_t first = (layer + origin[1] + taps[1].begin * w.dilation[1]) * w.in[2] +
                            origin[2] + taps[2].begin * w.dilation[2];
      const int64_t rows = greatest(taps[1].size(), 0), columns = greatest(taps[2].size(), 0);
      read_ahead(
          rows * columns, Rows(first, columns, w.dilation[2], w.dilation[1] * w.in[2]),
          [&](int64_t at) { return plane[at]; },
          [&](int64_t at, T value) {
            // The first one counts even if it is -infinity.
            if (index < 0 || formula::wins(Lane<T>{value}, best).value) {
              best = {value};
              index = at;
            }
          });
    }
    y[i] = best.value;
    if (indices != nullptr) indices[i] = static_cast<Index>(index);
  }
}

template <class T, class Index>
void max_indices(const PoolProblem& p, const T* x, T* y, Index* indices, const Context& context) {
  const int64_t count = p.planes() * p.window.out_size();
  launch("max_pool", max_kernel<T, Index>, blocks_for(count), kThreads, 0, context, count, p.window,
         PlaneMap(p.planes(), p.window.out), x, y, indices);
}

template <class T>
void max(const PoolProblem& p, const T* x, T* y, const Context& context) {
  max_indices<T, int32_t>(p, x, y, nullptr, context);
}

// Bad indices are reported later, so that nothing has to be waited for.
template <class T, class Index>
int64_t max_grad(const PoolGradProblem& p, const T* dy, const Index* indices, T* dx,
                 const Context& context) {
  spread_maxima("max_pool_grad", p, dy, indices, dx, context);
  return -1;
}

template <class T>
constexpr PoolKernels<T> kPool = {max<T>, max_indices<T, int32_t>, max_indices<T, int64_t>,
                                  max_grad<T, int32_t>, max_grad<T, int64_t>};

}  // namespace

const PoolKernels<float> pool_f32 = kPool<float>;
const PoolKernels<double> pool_f64 = kPool<double>;

}  // namespace striate::cuda
