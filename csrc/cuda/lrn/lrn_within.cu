// Local response normalisation within a channel: a thread for each element, windows in the caches.
#include "cuda/kernels.h"
#include "cuda/lrn/summands.h"
#include "cuda/read_ahead.h"

namespace striate::cuda {
namespace {

struct Planes {
  int64_t count, rows, columns, reach;
  Divisor column, row;

  explicit Planes(const LrnProblem& p)
      : count(p.batch * p.channels * p.positions),
        rows(p.rows),
        columns(p.columns),
        reach(p.before),
        column(p.columns, count),
        row(p.rows, p.batch * p.channels * p.rows) {}
  // visit(element) for the window around element i.
  template <class T, class Visit>
  STRIATE_DEVICE void window(const T* x, int64_t i, const Visit& visit) const {
    const Division c = divide(i, column), r = divide(c.quotient, row);
    const int64_t plane = r.quotient * rows * columns;
    const int64_t top = r.remainder > reach ? r.remainder - reach : 0;
    const int64_t bottom = least(r.remainder + reach + 1, rows);
    const int64_t left = c.remainder > reach ? c.remainder - reach : 0;
    const int64_t right = least(c.remainder + reach + 1, columns);
    const int64_t width = right - left;
    read_ahead((bottom - top) * width, Rows(plane + top * columns + left, width, 1, columns),
               [&](int64_t at) { return x[at]; }, [&](int64_t, T value) { visit(value); });
  }
  template <class T>
  STRIATE_DEVICE Lane<T> base_of(const LrnNumbers<T>& n, const T* x, int64_t i) const {
    return base(n, [&](const auto& visit) { window(x, i, visit); });
  }
};

template <Power power, class T>
__global__ void forward_kernel(const __grid_constant__ Planes planes,
                               const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ x,
                               T* __restrict__ y) {
  for (int64_t i = thread_index(); i < planes.count; i += thread_count())
    y[i] = x[i] * inverse_power<power>(planes.base_of(n, x, i), n).value;
}

template <Power power, class T>
__global__ void terms_kernel(const __grid_constant__ Planes planes,
                             const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ dy,
                             const T* __restrict__ x, T* __restrict__ dx,
                             T* __restrict__ summands) {
  for (int64_t i = thread_index(); i < planes.count; i += thread_count()) {
    const LrnTerms<T> own = terms<power>(n, planes.base_of(n, x, i), dy[i], x[i]);
    dx[i] = own.first;
    summands[i] = own.summand;
  }
}

template <class T>
__global__ void sums_kernel(const __grid_constant__ Planes planes,
                            const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ x,
                            const T* __restrict__ summands, T* __restrict__ dx) {
  for (int64_t i = thread_index(); i < planes.count; i += thread_count()) {
    T sum = 0;
    planes.window(summands, i, [&](T s) { sum += s; });
    dx[i] = input_grad(n, dx[i], x[i], sum);
  }
}

template <class T>
void forward(const LrnProblem& p, const T* x, T* y, const Context& context) {
  const Planes planes(p);
  with_power(p.beta, [&](auto power) {
    launch("local_response_norm", forward_kernel<decltype(power)::get, T>, blocks_for(planes.count),
           kThreads, 0, context, planes, LrnNumbers<T>(p), x, y);
  });
}

template <class T>
void grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  constexpr char what[] = "local_response_norm_grad";
  const Planes planes(p);
  const LrnNumbers<T> n(p);
  const Scratch<T> summands(context, planes.count);
  with_power(p.beta, [&](auto power) {
    launch(what, terms_kernel<decltype(power)::get, T>, blocks_for(planes.count), kThreads, 0,
           context, planes, n, dy, x, dx, summands.data());
  });
  launch(what, sums_kernel<T>, blocks_for(planes.count), kThreads, 0, context, planes, n, x,
         summands.data(), dx);
}

}  // namespace

const LrnWithinKernels<float> lrn_within_f32 = {forward<float>, grad<float>};
const LrnWithinKernels<double> lrn_within_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
