#include "core/formula/exp_log.h"
#include "cpu/kernels.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int64_t kCopiedClasses = 256;

// row(offset) for every row where classes lie side by side; else block(offset, positions, scratch).
template <class Row, class Block>
STRIATE_INLINE void for_each_slice(const SoftmaxProblem& p, const Context& context, const Row& row,
                                   const Block& block, size_t scratch_bytes = 0) {
  if (p.outer == 0) return;
  if (p.inner == 1) {
    const int64_t together = p.classes < kElementsPerChunk ? kElementsPerChunk / p.classes : 1;
    parallel_for(context, ceil_div(p.outer, together), 0, [&](int64_t chunk, void*) {
      const int64_t end = (chunk + 1) * together;
      for (int64_t i = chunk * together; i < (end < p.outer ? end : p.outer); ++i)
        row(i * p.classes);
    });
    return;
  }
  // Several blocks, one after another, read and write longer runs of memory than each by itself.
  // Lost: asking for a gradient's next block beside its second pass (within noise).
  const int64_t together = positions_per_block(p.classes);
  const int64_t blocks = kElementsPerChunk / (p.classes * together);
  const int64_t width = (blocks > 1 ? blocks : 1) * together;
  const int64_t chunks = ceil_div(p.inner, width);
  parallel_for(context, p.outer * chunks, scratch_bytes, [&](int64_t chunk, void* scratch) {
    const int64_t first = chunk % chunks * width, end = least(first + width, p.inner);
    for (int64_t i = first; i < end; i += together)
      block(chunk / chunks * p.classes * p.inner + i, least(together, end - i), scratch);
  });
}

// body(c, i, n) for all vectors of a block's classes.
template <class T, class Body>
STRIATE_INLINE void for_each_in_block(int64_t classes, int64_t count, const Body& body) {
  for (int64_t c = 0; c < classes; ++c)
    for_each_vector<T>(0, count, [&](int64_t i, int n) { body(c, i, n); });
}

template <class T>
void softmax(const SoftmaxProblem& p, const T* x, T* y, const Context& context) {
  for_each_slice(
      p, context,
      [=](int64_t at) {
        const T* from = x + at;
        T* to = y + at;
        const double sum = row_exp(from, p.classes, row_max(from, p.classes), to);
        const Vec<T> scale = Vec<T>::set(static_cast<T>(1 / sum));
        for_each_vector<T>(0, p.classes, [=](int64_t c, int n) {
          (Vec<T>::load(to + c, n) * scale).store(to + c, n);
        });
      },
      [=](int64_t at, int64_t count, void*) {
        T top[kPositionsPerBlock], sum[kPositionsPerBlock];
        T* const to = y + at;
        block_max(x + at, p.classes, p.inner, count, top);
        block_exp(x + at, p.classes, p.inner, count, top, to, sum);
        for_each_in_block<T>(p.classes, count, [&](int64_t c, int64_t i, int n) {
          T* own = to + c * p.inner + i;
          (Vec<T>::load(own, n) / Vec<T>::load(sum + i, n)).store(own, n);
        });
      });
}

template <class T>
void log_softmax(const SoftmaxProblem& p, const T* x, T* y, const Context& context) {
  for_each_slice(
      p, context,
      [=](int64_t at) {
        const T* from = x + at;
        T* to = y + at;
        const T top = row_max(from, p.classes);
        const double sum = row_exp(from, p.classes, top, to);
        const Vec<T> top_vector = Vec<T>::set(top);
        const Vec<T> log_sum = Vec<T>::set(static_cast<T>(log_of(sum)));
        for_each_vector<T>(0, p.classes, [=](int64_t c, int n) {
          (Vec<T>::load(from + c, n) - top_vector - log_sum).store(to + c, n);
        });
      },
      [=](int64_t at, int64_t count, void*) {
        T top[kPositionsPerBlock], sum[kPositionsPerBlock];
        const T* const from = x + at;
        T* const to = y + at;
        block_max(from, p.classes, p.inner, count, top);
        block_exp(from, p.classes, p.inner, count, top, to, sum);
        for_each_vector<T>(0, count, [&](int64_t i, int n) {
          formula::log(Vec<T>::load(sum + i, n)).store(sum + i, n);
        });
        for_each_in_block<T>(p.classes, count, [&](int64_t c, int64_t i, int n) {
          const Vec<T> shifted = Vec<T>::load(from + c * p.inner + i, n) - Vec<T>::load(top + i, n);
          (shifted - Vec<T>::load(sum + i, n)).store(to + c * p.inner + i, n);
        });
      });
}

// dx = result(dy, y, the sum of term(dy, y) over the classes)
template <class T, class Term, class Result>
STRIATE_INLINE void grad(const SoftmaxProblem& p, const T* dy, const T* y, T* dx,
                         const Context& context, const Term& term, const Result& result) {
  constexpr int lanes = Vec<T>::lanes;
  // Planes of 2^n bytes share their places in a cache, so that a block's are gone when they are
  // read again.
  const bool copied = p.classes <= kCopiedClasses;
  for_each_slice(
      p, context,
      [=](int64_t at) {
        const double sum = row_sum<T>(p.classes, [=](int64_t c, int n) {
          return term(Vec<T>::load(dy + at + c, n), Vec<T>::load(y + at + c, n));
        });
        const Vec<T> sums = Vec<T>::set(static_cast<T>(sum));
        for_each_vector<T>(0, p.classes, [=](int64_t c, int n) {
          result(Vec<T>::load(dy + at + c, n), Vec<T>::load(y + at + c, n), sums)
              .store(dx + at + c, n);
        });
      },
      [=](int64_t at, int64_t count, void* scratch) {
        T sum[kPositionsPerBlock];
        T* const copy = static_cast<T*>(scratch);
        const int64_t row = ceil_div(count, lanes) * lanes;
        block_sum(p.classes, count, sum, [=](int64_t c, int64_t i, int n) {
          const int64_t own = at + c * p.inner + i;
          // Planes lie too far apart for the processor to see what comes next.
          __builtin_prefetch(dy + own + 2 * p.inner);
          __builtin_prefetch(y + own + 2 * p.inner);
          __builtin_prefetch(dx + own, 1);
          const Vec<T> g = Vec<T>::load(dy + own, n), v = Vec<T>::load(y + own, n);
          if (copied) {
            g.store(copy + 2 * c * row + i);
            v.store(copy + (2 * c + 1) * row + i);
          }
          return term(g, v);
        });
        for_each_in_block<T>(p.classes, count, [&](int64_t c, int64_t i, int n) {
          const int64_t own = at + c * p.inner + i;
          const Vec<T> g =
              copied ? Vec<T>::load(copy + 2 * c * row + i) : Vec<T>::load(dy + own, n);
          const Vec<T> v =
              copied ? Vec<T>::load(copy + (2 * c + 1) * row + i) : Vec<T>::load(y + own, n);
          result(g, v, Vec<T>::load(sum + i, n)).store(dx + own, n);
        });
      },
      copied ? static_cast<size_t>(2 * p.classes * positions_per_block(p.classes)) * sizeof(T) : 0);
}

template <class T>
void softmax_grad(const SoftmaxProblem& p, const T* dy, const T* y, T* dx, const Context& context) {
  grad(
      p, dy, y, dx, context, [](Vec<T> g, Vec<T> v) { return g * v; },
      [](Vec<T> g, Vec<T> v, Vec<T> sum) { return v * (g - sum); });
}

template <class T>
void log_softmax_grad(const SoftmaxProblem& p, const T* dy, const T* y, T* dx,
                      const Context& context) {
  grad(
      p, dy, y, dx, context, [](Vec<T> g, Vec<T>) { return g; },
      [](Vec<T> g, Vec<T> v, Vec<T> sum) { return g - formula::exp(v) * sum; });
}

}  // namespace

const SoftmaxKernels<float> softmax_f32 = {softmax<float>, softmax_grad<float>, log_softmax<float>,
                                           log_softmax_grad<float>};
const SoftmaxKernels<double> softmax_f64 = {softmax<double>, softmax_grad<double>,
                                            log_softmax<double>, log_softmax_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
