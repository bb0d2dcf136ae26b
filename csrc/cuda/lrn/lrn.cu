// Local response normalisation across channels. A thread walks down some channels at one position,
// so that neighbouring threads read neighbouring positions and a window's rows stay in the caches.
// Each window is summed anew: a sum that slides would keep the rounding errors that a spike leaves.
// The windows of five that networks have stay in registers, so that an element is read once.
#include "cuda/kernels.h"
#include "cuda/lrn/summands.h"
#include "cuda/read_ahead.h"

namespace striate::cuda {
namespace {

constexpr int64_t kChannels = 32;  // that a thread walks down
constexpr int kWalkers = 128;      // threads of a block
constexpr int kRing = 16;          // the widest window whose summands fit shared memory
constexpr int kReach = 2;          // of a window of five
constexpr int kFive = 2 * kReach + 1;

bool is_five(const LrnProblem& p) { return p.before == kReach && p.after == kReach; }

// What is known of kFive channels that follow each other; places are known when it is compiled.
template <class T>
struct LastFive {
  T at[kFive] = {};
  STRIATE_DEVICE void push(T next) {
    STRIATE_UNROLL
    for (int j = 1; j < kFive; ++j) at[j - 1] = at[j];
    at[kFive - 1] = next;
  }
};

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
  // x of a channel at this position, 0 where there is none.
  template <class T>
  STRIATE_DEVICE T value(const T* x, int64_t channel) const {
    return channel >= 0 && channel < channels ? x[channel * positions] : T(0);
  }
  // each(x) for the window of channel c, in order.
  template <class T, class Visit>
  STRIATE_DEVICE void window(const T* x, int64_t c, const Visit& visit) const {
    const int64_t begin = c > before ? c - before : 0;
    const int64_t end = c + after < channels ? c + after + 1 : channels;
    read_ahead(
        end - begin, Steps{begin * positions, positions}, [&](int64_t other) { return x[other]; },
        [&](int64_t, T value) { visit(value); });
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

template <class T>
STRIATE_DEVICE Lane<T> base_of_five(const LrnNumbers<T>& n, const LastFive<T>& x) {
  return base(n, [&](const auto& visit) {
    STRIATE_UNROLL
    for (int j = 0; j < kFive; ++j) visit(x.at[j]);
  });
}

// Windows of five.
template <Power power, class T>
__global__ void forward_five_kernel(const __grid_constant__ Walks walks,
                                    const __grid_constant__ LrnNumbers<T> n,
                                    const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t i = thread_index(); i < walks.count; i += thread_count()) {
    const Walks::Walk walk = walks(i);
    const T* const from = x + walk.first;
    LastFive<T> window;
    for (int64_t c = walk.begin - kReach; c < walk.begin + kReach; ++c)
      window.push(walks.value(from, c));
    STRIATE_UNROLL_BY(4)
    for (int64_t c = walk.begin; c < walk.end; ++c) {
      window.push(walks.value(from, c + kReach));
      y[walk.first + c * walks.positions] =
          window.at[kReach] * inverse_power<power>(base_of_five(n, window), n).value;
    }
  }
}

// One sweep that is kReach channels ahead with the summands.
template <Power power, class T>
__global__ void grad_five_kernel(const __grid_constant__ Walks walks,
                                 const __grid_constant__ LrnNumbers<T> n, const T* __restrict__ dy,
                                 const T* __restrict__ x, T* __restrict__ dx) {
  for (int64_t i = thread_index(); i < walks.count; i += thread_count()) {
    const Walks::Walk walk = walks(i);
    const T *const x_from = x + walk.first, *const dy_from = dy + walk.first;
    LastFive<T> window, firsts, summands;  // around `ahead`; up to it
    const int64_t begin = walk.begin - kReach;
    for (int64_t c = begin - kReach; c < begin + kReach; ++c) window.push(walks.value(x_from, c));
    STRIATE_UNROLL_BY(4)
    for (int64_t ahead = begin; ahead < walk.end + kReach; ++ahead) {
      window.push(walks.value(x_from, ahead + kReach));
      LrnTerms<T> own{};
      if (ahead >= 0 && ahead < walks.channels)
        own = terms<power>(n, base_of_five(n, window), dy_from[ahead * walks.positions],
                           window.at[kReach]);
      firsts.push(own.first);
      summands.push(own.summand);
      const int64_t c = ahead - kReach;
      if (c < walk.begin) continue;
      T sum = 0;
      STRIATE_UNROLL
      for (int j = 0; j < kFive; ++j) sum += summands.at[j];
      dx[walk.first + c * walks.positions] = input_grad(n, firsts.at[kReach], window.at[0], sum);
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
    constexpr Power kPower = decltype(power)::get;
    launch("local_response_norm",
           is_five(p) ? forward_five_kernel<kPower, T> : forward_kernel<kPower, T>,
           blocks_for(walks.count), kThreads, 0, context, walks, LrnNumbers<T>(p), x, y);
  });
}

template <class T>
void grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  constexpr char what[] = "local_response_norm_grad";
  const Walks walks(p);
  const LrnNumbers<T> n(p);
  if (is_five(p)) {
    with_power(p.beta, [&](auto power) {
      launch(what, grad_five_kernel<decltype(power)::get, T>, blocks_for(walks.count), kThreads, 0,
             context, walks, n, dy, x, dx);
    });
    return;
  }
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
