// Average pooling: the mean of each window.
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/pool/window_sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

struct Mean {
  template <class V>
  STRIATE_INLINE V term(V x) const {
    return x;
  }
  template <class V>
  STRIATE_INLINE V result(V sum, V divisor) const {
    return sum / divisor;
  }
};

// The sums of dy / divisor over a line's output rows, for `count` columns from `first` on. Rows of
// one divisor are added up before it divides them.
template <class T>
STRIATE_INLINE void write_quotients(const AvgPoolProblem& p, const Tables<T>& tables,
                                    const Line& line, const T* dy, int64_t first, int64_t count,
                                    T* to) {
  const Window& w = p.window;
  const T* const plane = dy + line.plane * w.out_size() + first;
  for_each_vector<T>(0, count, [&](int64_t i, int n) {
    Vec<T> quotients = Vec<T>::zero(), sum = Vec<T>::zero();
    const Vec<T> columns = Vec<T>::load(tables.column_counts + first + i, n);
    int64_t divisor = 1;
    const auto divide = [&] {
      quotients = quotients + sum / (Vec<T>::set(static_cast<T>(divisor)) * columns);
    };
    for (int64_t d = line.depths.begin; d < line.depths.end; ++d) {
      for (int64_t h = line.heights.begin; h < line.heights.end; ++h) {
        const int64_t rows = tables.windows[0][d].count * tables.windows[1][h].count;
        const bool joins = rows == divisor;
        if (!joins) divide();
        const Vec<T> row = Vec<T>::load(plane + (d * w.out[1] + h) * w.out[2] + i, n);
        sum = joins ? sum + row : row;
        divisor = rows;
      }
    }
    divide();
    quotients.store(to + i, n);
  });
}

template <class T>
struct MeanGrad {
  static constexpr bool kCopies = true;
  const T* dy;

  STRIATE_INLINE void write_shares(const AvgPoolProblem& p, const Tables<T>& tables,
                                   const Line& line, int64_t first, int64_t count, T* to) const {
    write_quotients(p, tables, line, dy, first, count, to);
  }
  STRIATE_INLINE Vec<T> gradient(Vec<T> sum, int64_t, int) const { return sum; }
};

template <class T>
void forward(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  sum_windows(Mean{}, p, x, y, context);
}

template <class T>
void grad(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  spread_windows(MeanGrad<T>{dy}, p, dx, context);
}

}  // namespace

const AvgPoolKernels<float> avg_pool_f32 = {forward<float>, grad<float>};
const AvgPoolKernels<double> avg_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
