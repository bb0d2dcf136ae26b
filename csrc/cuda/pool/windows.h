// Reductions over windows, by a thread each or, for wide ones, by a warp; and what windows give
// back to the elements that they hold.
#pragma once

#include "cuda/pool/geometry.h"
#include "cuda/read_ahead.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

// R::State takes what r.load(offset) gives by r.add(state, value, offset in the plane), in the
// order of the elements, and can be merged; r.store(output, state, elements counted by the
// divisor).
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
    const int64_t left = w.end - w.begin - lane, columns = left > 0 ? ceil_div(left, kLanes) : 0;
    for (int64_t a = d.begin; a < d.end; ++a) {
      const int64_t first = a * in_layer + h.begin * in_row + w.begin + lane;
      read_ahead((h.end - h.begin) * columns, Rows(first, columns, kLanes, in_row),
                 [&](int64_t at) { return r.load(plane + at); },
                 [&](int64_t at, const auto& value) { r.add(state, value, at); });
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

// The outputs of a layer whose windows hold an element, and the elements that each one's divisor
// counts.
struct OutputsOver {
  struct Output {
    int64_t at, counted;
  };
  const WindowRange *row_windows, *column_windows;
  int64_t layer_count, layer, row;
  Range columns;
  int64_t b, c;
  STRIATE_DEVICE Output operator()() {
    const Output own = {layer + b * row + c,
                        layer_count * row_windows[b].count * column_windows[c].count};
    if (++c == columns.end) {
      c = columns.begin;
      ++b;
    }
    return own;
  }
};

// to[i] = f.gradient(i, the sum of f.share(i, f.load(output), divisor) over the outputs whose
// windows hold element i)
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
    for (int64_t a = d.begin; a < d.end; ++a) {
      const OutputsOver outputs = {tables.windows[1],
                                   tables.windows[2],
                                   tables.windows[0][a].count,
                                   plane + a * out_layer,
                                   out_row,
                                   w,
                                   h.begin,
                                   w.begin};
      read_ahead(
          h.size() * w.size(), outputs, [&](const auto& o) { return f.load(o.at); },
          [&](const auto& o, const auto& value) { sum += f.share(i, value, o.counted); });
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
