// Local response normalisation across channels. A thread walks down some channels at one position,
// so that neighbouring threads read neighbouring positions and a window's rows stay in the caches.
// Each window is summed anew: a sum that slides would keep the rounding errors that a spike leaves.
#include "cuda/kernels.h"
#include "cuda/lrn/summands.h"

namespace striate::cuda {
namespace {

constexpr int64_t kChannels = 32;  // that a thread walks down
constexpr int kWalkers = 128;      // threads of a block
constexpr int kRing = 16;          // the widest window whose summands fit shared memory

// The threads' walks: (image, block of channels, position), positions side by side.
struct Walks {
  int64_t count, channels, positions, before, after;
  Divisor position, block;

  explicit Walks(const LrnProblem& p)
      : count(p.batch * ceil_div(p.channels, kChannels) * p.positions),
        channels(p.channels),
        positions(p.positions),
        before(p.before),
        after(p.after),
        position(p.positions, count),
        block(ceil_div(p.channels, kChannels), p.batch * ceil_div(p.channels, kChannels)) {}

  struct Walk {
    int64_t first;       // the offset of channel 0 at this position
    int64_t begin, end;  // channels
  };
  STRIATE_DEVICE Walk operator()(int64_t i) const {
    const Division p = divide(i, position), b = divide(p.quotient, block);
    const int64_t begin = b.remainder * kChannels;
    return {b.quotient * channels * positions + p.remainder, begin,
            least(begin + kChannels, channels)};
  }
  // each(x) for the window of channel c, in order.
  template <class T, class Visit>
  STRIATE_DEVICE void window(const T* x, int64_t c, const Visit& visit) const {
    const int64_t begin = c > before ? c - before : 0;
    const int64_t end = c + after < channels ? c + after + 1 : channels;
    for (int64_t other = begin; other < end; ++other) visit(x[other * positions]);
  }
  template <class T>
  STRIATE_DEVICE Lane<T> base_of(const LrnNumbers<T>& n, const T* x, int64_t c) const {
    return base(n, [&](const auto& visit) { window(x, c, visit); });
  }
};

template <Power power, class T>
__global__ void forward_kernel(const __grid_constant__ Walks walks,
                               const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ x,
                               T* __restrict__ y) {
  for (int64_t i = thread_index(); i < walks.count; i += thread_count()) {
    const Walks::Walk walk = walks(i);
    for (int64_t c = walk.begin; c < walk.end; ++c) {
      const int64_t own = walk.first + c * walks.positions;
      const Lane<T> t = walks.base_of(n, x + walk.first, c);
      y[own] = x[own] * inverse_power<power>(t, n).value;
    }
  }
}

// One sweep, the summands of a window being kept in a ring.
template <Power power, class T>
__global__ void grad_kernel(const __grid_constant__ Walks walks,
                            const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ dy,
                            const T* __restrict__ x, T* __restrict__ dx) {
  __shared__ T first_ring[kRing][kWalkers], summand_ring[kRing][kWalkers];
  const unsigned lane = threadIdx.x;
  for (int64_t i = thread_index(); i < walks.count; i += thread_count()) {
    const Walks::Walk walk = walks(i);
    // Channel c needs the summands of [c - after, c + before].
    const int64_t begin = walk.begin > walks.after ? walk.begin - walks.after : 0;
    const int64_t end = least(walk.end + walks.before, walks.channels);
    int64_t known = begin;
    for (int64_t c = walk.begin; c < walk.end; ++c) {
      for (const int64_t wanted = least(c + walks.before + 1, end); known < wanted; ++known) {
        const int64_t at = walk.first + known * walks.positions;
        const LrnTerms<T> own =
            terms<power>(n, walks.base_of(n, x + walk.first, known), dy[at], x[at]);
        first_ring[known % kRing][lane] = own.first;
        summand_ring[known % kRing][lane] = own.summand;
      }
      T sum = 0;
      const int64_t from = c > walks.after ? c - walks.after : 0;
      for (int64_t other = from; other < known; ++other) sum += summand_ring[other % kRing][lane];
      const int64_t own = walk.first + c * walks.positions;
      dx[own] = input_grad(n, first_ring[c % kRing][lane], x[own], sum);
    }
  }
}

// For wider windows two sweeps, the summands being kept in memory and the first terms in dx.
template <Power power, class T>
__global__ void terms_kernel(const __grid_constant__ Walks walks,
                             const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ dy,
                             const T* __restrict__ x, T* __restrict__ dx,
                             T* __restrict__ summands) {
  for (int64_t i = thread_index(); i < walks.count; i += thread_count()) {
    const Walks::Walk walk = walks(i);
    for (int64_t c = walk.begin; c < walk.end; ++c) {
      const int64_t at = walk.first + c * walks.positions;
      const LrnTerms<T> own = terms<power>(n, walks.base_of(n, x + walk.first, c), dy[at], x[at]);
      dx[at] = own.first;
      summands[at] = own.summand;
    }
  }
}

template <class T>
__global__ void sums_kernel(const __grid_constant__ Walks mirrored,
                            const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ x,
                            const T* __restrict__ summands, T* __restrict__ dx) {
  for (int64_t i = thread_index(); i < mirrored.count; i += thread_count()) {
    const Walks::Walk walk = mirrored(i);
    for (int64_t c = walk.begin; c < walk.end; ++c) {
      const int64_t at = walk.first + c * mirrored.positions;
      T sum = 0;
      mirrored.window(summands + walk.first, c, [&](T s) { sum += s; });
      dx[at] = input_grad(n, dx[at], x[at], sum);
    }
  }
}

template <class T>
void forward(const LrnProblem& p, const T* x, T* y, const Context& context) {
  const Walks walks(p);
  with_power(p.beta, [&](auto power) {
    launch("local_response_norm", forward_kernel<decltype(power)::get, T>, blocks_for(walks.count),
           kThreads, 0, context, walks, LrnNumbers<T>(p), x, y);
  });
}

template <class T>
void grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  constexpr char what[] = "local_response_norm_grad";
  const Walks walks(p);
  const LrnNumbers<T> n(p);
  if (p.before + p.after + 1 <= kRing) {
    with_power(p.beta, [&](auto power) {
      launch(what, grad_kernel<decltype(power)::get, T>, blocks_for(walks.count, kWalkers),
             kWalkers, 0, context, walks, n, dy, x, dx);
    });
    return;
  }
  const Scratch<T> summands(context, p.batch * p.channels * p.positions);
  with_power(p.beta, [&](auto power) {
    launch(what, terms_kernel<decltype(power)::get, T>, blocks_for(walks.count), kThreads, 0,
           context, walks, n, dy, x, dx, summands.data());
  });
  LrnProblem mirrored = p;
  mirrored.before = p.after;
  mirrored.after = p.before;
  launch(what, sums_kernel<T>, blocks_for(walks.count), kThreads, 0, context, Walks(mirrored), n, x,
         summands.data(), dx);
}

}  // namespace

const LrnKernels<float> lrn_f32 = {forward<float>, grad<float>};
const LrnKernels<double> lrn_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
