// Reductions over windows, by a thread each or, for wide ones, by a warp; and what windows give
// back to the elements that they hold.
#pragma once

#include "cuda/pool/geometry.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

// r.begin(plane of x) gives a state, which takes elements by add(offset in the plane) in their
// order and can be merged; r.store(output, state, elements counted by the divisor).
template <int kLanes, class R>
__global__ void windows_kernel(int64_t count, const __grid_constant__ PlaneMap map,
                               const __grid_constant__ Tables tables, int64_t in_size,
                               int64_t in_layer, int64_t in_row, const __grid_constant__ R r) {
  const int64_t lane = kLanes == 1 ? 0 : threadIdx.x % kLanes;
  for (int64_t i = thread_index() / kLanes; i < count; i += thread_count() / kLanes) {
    const PlaneMap::Place place = map(i);
    const WindowRange d = tables.windows[0][place.at[0]], h = tables.windows[1][place.at[1]],
                      w = tables.windows[2][place.at[2]];
    const int64_t plane = place.plane * in_size;
    typename R::State state{};
    for (int64_t a = d.begin; a < d.end; ++a)
      for (int64_t b = h.begin; b < h.end; ++b) {
        const int64_t row = a * in_layer + b * in_row;
        for (int64_t c = w.begin + lane; c < w.end; c += kLanes)
          r.add(state, plane + row + c, row + c);
      }
    if (kLanes > 1) state = warp_reduce(state, typename R::Merge{});
    if (lane == 0) r.store(i, state, d.count * h.count * w.count);
  }
}

template <class R>
void for_each_window(const char* what, const AvgPoolProblem& p, const WindowTables& tables,
                     const R& r, const Context& context) {
  constexpr int64_t kWide = 16;
  const Window& w = p.window;
  const int64_t count = p.planes() * w.out_size();
  const int64_t layer = w.in[1] * w.in[2];
  const bool wide = w.kernel[2] >= kWide;
  launch(what, wide ? windows_kernel<32, R> : windows_kernel<1, R>,
         blocks_for(count * (wide ? 32 : 1)), kThreads, 0, context, count,
         PlaneMap(p.planes(), w.out), tables.get(), w.in_size(), layer, w.in[2], r);
}

// to[i] = f(i, the sum of share(output, divisor) over the outputs whose windows hold element i)
template <class T, class F>
__global__ void elements_kernel(int64_t count, const __grid_constant__ PlaneMap map,
                                const __grid_constant__ Tables tables, int64_t out_size,
                                int64_t out_layer, int64_t out_row, const __grid_constant__ F f,
                                T* __restrict__ to) {
  for (int64_t i = thread_index(); i < count; i += thread_count()) {
    const PlaneMap::Place place = map(i);
    const Range d = tables.outputs[0][place.at[0]], h = tables.outputs[1][place.at[1]],
                w = tables.outputs[2][place.at[2]];
    const int64_t plane = place.plane * out_size;
    T sum = 0;
    for (int64_t a = d.begin; a < d.end; ++a)
      for (int64_t b = h.begin; b < h.end; ++b) {
        const int64_t rows = tables.windows[0][a].count * tables.windows[1][b].count;
        const int64_t row = plane + a * out_layer + b * out_row;
        for (int64_t c = w.begin; c < w.end; ++c)
          sum += f.share(i, row + c, rows * tables.windows[2][c].count);
      }
    to[i] = f.gradient(i, sum);
  }
}

template <class T, class F>
void for_each_element(const char* what, const AvgPoolProblem& p, const WindowTables& tables,
                      const F& f, T* to, const Context& context) {
  const Window& w = p.window;
  const int64_t count = p.planes() * w.in_size();
  launch(what, elements_kernel<T, F>, blocks_for(count), kThreads, 0, context, count,
         PlaneMap(p.planes(), w.in), tables.get(), w.out_size(), w.out[1] * w.out[2], w.out[2], f,
         to);
}

// A thread's part of a window's sum, and how parts are added up.
struct AddLongSums {
  template <class T>
  STRIATE_DEVICE LongSum<T> operator()(const LongSum<T>& a, const LongSum<T>& b) const {
    return LongSum<T>::of(a.total() + b.total());
  }
};

}  // namespace
}  // namespace striate::cuda
