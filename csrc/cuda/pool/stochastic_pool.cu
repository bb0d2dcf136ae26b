// Stochastic pooling: a thread draws for each output. The gradient draws again: the elements that
// windows have drawn are then spread like maxima.
#include "cuda/kernels.h"
#include "cuda/philox.h"
#include "cuda/pool/max_grad.h"
#include "cuda/pool/windows.h"

namespace striate::cuda {
namespace {

// The weight of an element: its positive part, or NaN.
template <class T>
STRIATE_DEVICE double weight(T x) {
  return x <= 0 ? 0.0 : static_cast<double>(x);
}

STRIATE_DEVICE bool has_draw(double sum) { return sum > 0 && sum < __builtin_inf(); }

// The elements of an output's window, in order.
struct WindowElements {
  int64_t first, kernel[kSpatial], layer, row;

  STRIATE_DEVICE WindowElements(const Window& w, const PlaneMap::Place& place)
      : first(((place.at[0] * w.stride[0]) * w.in[1] + place.at[1] * w.stride[1]) * w.in[2] +
              place.at[2] * w.stride[2]),
        kernel{w.kernel[0], w.kernel[1], w.kernel[2]},
        layer(w.in[1] * w.in[2]),
        row(w.in[2]) {}
  // visit(offset in the plane), until it returns true.
  template <class Visit>
  STRIATE_DEVICE void each(const Visit& visit) const {
    for (int64_t d = 0; d < kernel[0]; ++d)
      for (int64_t h = 0; h < kernel[1]; ++h)
        for (int64_t c = 0; c < kernel[2]; ++c)
          if (visit(first + d * layer + h * row + c)) return;
  }
};

// What a window's weights add up to, and their average weighted by themselves.
struct WindowStats {
  double sum, mean;
};

template <class T>
STRIATE_DEVICE WindowStats stats_of(const WindowElements& window, const T* plane) {
  double sum = 0, squares = 0;
  window.each([&](int64_t i) {
    sum += weight(plane[i]);
    squares += weight(plane[i]) * weight(plane[i]);
    return false;
  });
  return {sum, squares / sum};
}

// The element that `word` draws, of a window whose sum is positive and finite.
template <class T>
STRIATE_DEVICE int64_t draw(const WindowElements& window, const T* plane, double sum,
                            uint32_t word) {
  const double threshold = sum * (word * 0x1p-32);
  double running = 0;
  int64_t drawn = 0;
  window.each([&](int64_t i) {
    running += weight(plane[i]);
    drawn = i;
    return running > threshold;
  });
  return drawn;
}

// Stores outputs, or the places of the elements drawn (-1 for none), or the windows' sums and
// means; what is null is not wanted.
template <class T>
__global__ void draw_kernel(int64_t count, const __grid_constant__ Window w,
                            const __grid_constant__ PlaneMap map, formula::PhiloxKey key,
                            uint64_t offset, bool average, const T* __restrict__ x,
                            T* __restrict__ y, int64_t* __restrict__ places,
                            WindowStats* __restrict__ stats) {
  const int64_t in_size = w.in[0] * w.in[1] * w.in[2];
  for (int64_t i = thread_index(); i < count; i += thread_count()) {
    const PlaneMap::Place place = map(i);
    const T* const plane = x + place.plane * in_size;
    const WindowElements window(w, place);
    const WindowStats own = stats_of(window, plane);
    if (stats != nullptr) stats[i] = own;
    if (!has_draw(own.sum)) {
      if (y != nullptr) y[i] = static_cast<T>(own.sum);
      if (places != nullptr) places[i] = -1;
      continue;
    }
    if (average) {
      if (y != nullptr) y[i] = static_cast<T>(own.mean);
      continue;
    }
    const RandomWords words = random_words(key, offset + static_cast<uint64_t>(i) / 4);
    const int64_t drawn = draw(window, plane, own.sum, words.word(i % 4));
    if (y != nullptr) y[i] = plane[drawn];
    if (places != nullptr) places[i] = drawn;
  }
}

template <class T>
void draw_all(const StochasticPoolProblem& p, const T* x, T* y, int64_t* places, WindowStats* stats,
              const Context& context) {
  const int64_t count = p.planes() * p.window.out_size();
  launch("stochastic_pool", draw_kernel<T>, blocks_for(count), kThreads, 0, context, count,
         p.window, PlaneMap(p.planes(), p.window.out), formula::philox_key(p.seed), p.offset,
         p.average, x, y, places, stats);
}

// Of the average: dy (2 weight - mean) / sum where x is positive.
template <class T>
struct AverageGrad {
  const T *dy, *x;
  const WindowStats* stats;
  struct Output {
    T dy;
    WindowStats stats;
  };
  STRIATE_DEVICE Output load(int64_t output) const { return {dy[output], stats[output]}; }
  STRIATE_DEVICE T share(int64_t i, const Output& own, int64_t) const {
    const WindowStats& s = own.stats;
    if (!has_draw(s.sum) || !(x[i] > 0)) return 0;
    return own.dy * static_cast<T>((2 * weight(x[i]) - s.mean) / s.sum);
  }
  STRIATE_DEVICE T gradient(int64_t, T sum) const { return sum; }
};

template <class T>
void forward(const StochasticPoolProblem& p, const T* x, T* y, const Context& context) {
  draw_all(p, x, y, nullptr, nullptr, context);
}

template <class T>
void grad(const StochasticPoolProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  constexpr char what[] = "stochastic_pool_grad";
  const int64_t count = p.planes() * p.window.out_size();
  if (p.average) {
    const Scratch<WindowStats> stats(context, count);
    draw_all<T>(p, x, nullptr, nullptr, stats.data(), context);
    const AvgPoolProblem windows{p, true, false};
    const WindowTables tables(what, windows, context);
    for_each_element(what, windows, tables, AverageGrad<T>{dy, x, stats.data()}, dx, context);
    return;
  }
  const Scratch<int64_t> places(context, count);
  draw_all<T>(p, x, nullptr, places.data(), nullptr, context);
  PoolGradProblem spread;
  spread.dtype = p.dtype;
  spread.planes = p.planes();
  spread.in_size = p.window.in_size();
  spread.out_size = p.window.out_size();
  spread_maxima(what, spread, dy, places.data(), dx, context);
}

}  // namespace

const StochasticPoolKernels<float> stochastic_pool_f32 = {forward<float>, grad<float>};
const StochasticPoolKernels<double> stochastic_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
