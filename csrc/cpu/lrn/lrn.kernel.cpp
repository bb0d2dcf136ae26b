// Local response normalisation across channels. Lanes run over the positions of a channel; a chunk
// is a block of positions of one image, which it walks channel by channel. Each window is summed
// anew: a sum that slides would keep the rounding errors that a spike leaves behind.
#include "cpu/kernels.h"
#include "cpu/lrn/constants.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Elements of a chunk, and the bounds of its positions: enough of them that memory is read in runs,
// few enough that a window's rows stay in the first-level cache.
constexpr int64_t kElements = 32768;
constexpr int64_t kLeastPositions = 64;
constexpr int64_t kMostPositions = 2048;

int64_t positions_per_chunk(const LrnProblem& p) {
  const int64_t wanted = kElements / p.channels / kLeastPositions * kLeastPositions;
  const int64_t bounded = wanted < kLeastPositions  ? kLeastPositions
                          : wanted > kMostPositions ? kMostPositions
                                                    : wanted;
  return bounded < p.positions ? bounded : p.positions;
}

// The channels [begin, end) of a window that reaches `before` and `after` channel c.
struct Channels {
  int64_t begin, end;

  STRIATE_INLINE Channels(int64_t c, int64_t before, int64_t after, int64_t channels)
      : begin(c > before ? c - before : 0), end(c + after < channels ? c + after + 1 : channels) {}
};

// k + a * (the sum of squares over the channels), x being the first one's and the next `step` on.
template <class T>
STRIATE_INLINE Vec<T> base(const Constants<T>& constants, const T* x, int64_t channels,
                           int64_t step, int n) {
  Vec<T> sum = Vec<T>::zero();
  for (int64_t c = 0; c < channels; ++c) {
    const Vec<T> value = Vec<T>::load(x + c * step, n);
    sum = fma(value, value, sum);
  }
  return fma(constants.a, sum, constants.k);
}

// body(offset of the block's first element in x, its positions, scratch) for every chunk.
template <class Body>
STRIATE_INLINE void for_each_block(const LrnProblem& p, size_t scratch_bytes_per_element,
                                   const Context& context, const Body& body) {
  if (p.positions == 0) return;
  const int64_t positions = positions_per_chunk(p);
  const int64_t blocks = ceil_div(p.positions, positions);
  const size_t scratch_bytes = scratch_bytes_per_element * (p.channels * positions);
  parallel_for(context, p.batch * blocks, scratch_bytes, [&](int64_t chunk, void* scratch) {
    const int64_t first = chunk % blocks * positions;
    const int64_t left = p.positions - first;
    body(chunk / blocks * p.channels * p.positions + first, left < positions ? left : positions,
         scratch);
  });
}

template <Power power, class T>
void forward(const LrnProblem& p, const T* x, T* y, const Context& context) {
  const Constants<T> constants(p);
  const int64_t step = p.positions;
  for_each_block(p, 0, context, [&](int64_t block, int64_t positions, void*) {
    for (int64_t c = 0; c < p.channels; ++c) {
      const Channels window(c, p.before, p.after, p.channels);
      const T* from = x + block + window.begin * step;
      const T* own = x + block + c * step;
      T* to = y + block + c * step;
      for_each_vector<T>(0, positions, [&](int64_t i, int n) {
        const Vec<T> t = base(constants, from + i, window.end - window.begin, step, n);
        const Vec<T> scale = formula::inverse_power<power>(t, constants.one, constants.minus_beta);
        (Vec<T>::load(own + i, n) * scale).store(to + i, n);
      });
    }
  });
}

// dx_c = dy_c t_c^-beta - 2 a beta x_c (sum of dy x t^(-beta-1) over the channels whose window
// holds c). One sweep over the channels: the first term and the summand of channel c, then, as soon
// as the last summand that it needs is there, the second term of channel c - before.
template <Power power, class T>
void grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  const Constants<T> constants(p);
  const int64_t step = p.positions;
  for_each_block(p, sizeof(T), context, [&](int64_t block, int64_t positions, void* scratch) {
    T* const summands = static_cast<T*>(scratch);
    const auto first_term = [&](int64_t c) {
      const Channels window(c, p.before, p.after, p.channels);
      const T* from = x + block + window.begin * step;
      const int64_t own = block + c * step;
      T* summand = summands + c * positions;
      for_each_vector<T>(0, positions, [&](int64_t i, int n) {
        const Vec<T> t = base(constants, from + i, window.end - window.begin, step, n);
        const Vec<T> term = Vec<T>::load(dy + own + i, n) *
                            formula::inverse_power<power>(t, constants.one, constants.minus_beta);
        term.store(dx + own + i, n);
        (term * Vec<T>::load(x + own + i, n) / t).store(summand + i, n);
      });
    };
    const auto second_term = [&](int64_t c) {
      const Channels mirrored(c, p.after, p.before, p.channels);
      const int64_t own = block + c * step;
      for_each_vector<T>(0, positions, [&](int64_t i, int n) {
        Vec<T> sum = Vec<T>::zero();
        for (int64_t other = mirrored.begin; other < mirrored.end; ++other)
          sum = sum + Vec<T>::load(summands + other * positions + i, n);
        const Vec<T> factor = constants.minus_2ab * Vec<T>::load(x + own + i, n);
        fma(factor, sum, Vec<T>::load(dx + own + i, n)).store(dx + own + i, n);
      });
    };
    for (int64_t c = 0; c < p.channels + p.before; ++c) {
      if (c < p.channels) first_term(c);
      if (c >= p.before) second_term(c - p.before);
    }
  });
}

template <class T>
void local_response_norm(const LrnProblem& p, const T* x, T* y, const Context& context) {
  with_power(p.beta, [&](auto power) { forward<power.get>(p, x, y, context); });
}

template <class T>
void local_response_norm_grad(const LrnProblem& p, const T* dy, const T* x, T* dx,
                              const Context& context) {
  with_power(p.beta, [&](auto power) { grad<power.get>(p, dy, x, dx, context); });
}

}  // namespace

const LrnKernels<float> lrn_f32 = {local_response_norm<float>, local_response_norm_grad<float>};
const LrnKernels<double> lrn_f64 = {local_response_norm<double>, local_response_norm_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
