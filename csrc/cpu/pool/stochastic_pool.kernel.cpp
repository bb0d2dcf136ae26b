// Stochastic pooling: each window draws one of its elements, with probabilities proportional to
// their positive parts. Nothing of a draw is stored: output i has word i % 4 of Philox's counter
// offset + i / 4, so that the gradient draws the same element again.
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/philox.h"
#include "cpu/pool/blocks.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// The words of outputs that come one after another.
class Words {
 public:
  explicit Words(const StochasticPoolProblem& p)
      : key_(formula::philox_key(p.seed)), offset_(p.offset) {}

  STRIATE_INLINE uint32_t at(int64_t output) {
    const int64_t group = output / kRandomWords;
    if (group != group_) {
      random_words(key_, offset_ + static_cast<uint64_t>(group * (kRandomWords / 4)), words_);
      group_ = group;
    }
    return words_[output % kRandomWords];
  }

 private:
  formula::PhiloxKey key_;
  uint64_t offset_;
  int64_t group_ = -1;
  uint32_t words_[kRandomWords];
};

// The weight of an element: its positive part, or NaN.
template <class T>
STRIATE_INLINE double weight(T x) {
  return x <= 0 ? 0.0 : static_cast<double>(x);
}

// body(element's place in the plane) for the window's elements in order, until it returns true.
template <class Body>
STRIATE_INLINE void for_each_element(const Window& w, int64_t depth, int64_t height, int64_t column,
                                     const Body& body) {
  for (int64_t d = 0; d < w.kernel[0]; ++d)
    for (int64_t h = 0; h < w.kernel[1]; ++h) {
      const int64_t row =
          ((depth * w.stride[0] + d) * w.in[1] + height * w.stride[1] + h) * w.in[2] +
          column * w.stride[2];
      for (int64_t i = row; i < row + w.kernel[2]; ++i)
        if (body(i)) return;
    }
}

// body(output's place in its plane, the sum of its window's weights, each(element)) for a plane.
template <class T, class Body>
STRIATE_INLINE void for_each_window(const Window& w, const T* plane, const Body& body) {
  int64_t output = 0;
  for (int64_t d = 0; d < w.out[0]; ++d)
    for (int64_t h = 0; h < w.out[1]; ++h)
      for (int64_t o = 0; o < w.out[2]; ++o, ++output) {
        const auto each = [&](const auto& visit) { for_each_element(w, d, h, o, visit); };
        double sum = 0;
        each([&](int64_t i) {
          sum += weight(plane[i]);
          return false;
        });
        body(output, sum, each);
      }
}

// The element that `word` draws; the caller has seen that the sum is positive and finite. The
// threshold is below the sum, so that there is one.
template <class T, class Each>
STRIATE_INLINE int64_t draw(const T* plane, double sum, uint32_t word, const Each& each) {
  const double threshold = sum * (word * 0x1p-32);
  double running = 0;
  int64_t drawn = 0;
  each([&](int64_t i) {
    running += weight(plane[i]);
    drawn = i;
    return running > threshold;
  });
  return drawn;
}

// The average of the weights, weighted by themselves.
template <class T, class Each>
STRIATE_INLINE double average(const T* plane, double sum, const Each& each) {
  double squares = 0;
  each([&](int64_t i) {
    squares += weight(plane[i]) * weight(plane[i]);
    return false;
  });
  return squares / sum;
}

// body(plane) for all planes, in chunks of whole ones.
template <class Body>
STRIATE_INLINE void for_each_plane(const StochasticPoolProblem& p, const Context& context,
                                   const Body& body) {
  const int64_t work = p.window.in_size() + p.window.out_size() * p.window.kernel_size() + 1;
  const int64_t per_chunk = greatest(1, kElementsPerChunk / work);
  parallel_for(context, ceil_div(p.planes(), per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t end = least((chunk + 1) * per_chunk, p.planes());
    for (int64_t plane = chunk * per_chunk; plane < end; ++plane) body(plane);
  });
}

STRIATE_INLINE bool has_draw(double sum) { return sum > 0 && sum < __builtin_inf(); }

template <class T>
void forward(const StochasticPoolProblem& p, const T* x, T* y, const Context& context) {
  const Window& w = p.window;
  for_each_plane(p, context, [&](int64_t index) {
    Words words(p);
    const T* plane = x + index * w.in_size();
    const int64_t first = index * w.out_size();
    for_each_window(w, plane, [&](int64_t output, double sum, const auto& each) {
      T& to = y[first + output];
      if (!has_draw(sum))
        to = static_cast<T>(sum);
      else if (p.average)
        to = static_cast<T>(average(plane, sum, each));
      else
        to = plane[draw(plane, sum, words.at(first + output), each)];
    });
  });
}

template <class T>
void grad(const StochasticPoolProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  const Window& w = p.window;
  for_each_plane(p, context, [&](int64_t index) {
    Words words(p);
    const T* plane = x + index * w.in_size();
    T* to = dx + index * w.in_size();
    const int64_t first = index * w.out_size();
    __builtin_memset(to, 0, static_cast<size_t>(w.in_size()) * sizeof(T));
    for_each_window(w, plane, [&](int64_t output, double sum, const auto& each) {
      if (!has_draw(sum)) return;
      const T gradient = dy[first + output];
      if (!p.average) {
        to[draw(plane, sum, words.at(first + output), each)] += gradient;
        return;
      }
      const double mean = average(plane, sum, each);
      each([&](int64_t i) {
        if (plane[i] > 0) to[i] += gradient * static_cast<T>((2 * weight(plane[i]) - mean) / sum);
        return false;
      });
    });
  });
}

}  // namespace

const StochasticPoolKernels<float> stochastic_pool_f32 = {forward<float>, grad<float>};
const StochasticPoolKernels<double> stochastic_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
