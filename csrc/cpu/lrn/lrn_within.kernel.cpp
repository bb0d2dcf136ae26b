// Local response normalisation within a channel. Lanes run along the rows of a plane. A window's
// sum is one over its rows, for each column, and then one over the columns, read from a row with
// zeros on either side; each is added up anew, as a sum that slides would keep the rounding errors
// that a spike leaves behind. A chunk is a block of a plane's rows, or some whole planes.
#include "cpu/kernels.h"
#include "cpu/lrn/constants.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// The rows [begin, end) of a plane.
struct Block {
  int64_t plane, begin, end;
};

// body(block, scratch) for all blocks.
template <class Body>
STRIATE_INLINE void for_each_block(const LrnProblem& p, size_t scratch_bytes,
                                   const Context& context, const Body& body) {
  const int64_t planes = p.batch * p.channels;
  if (planes == 0 || p.positions == 0) return;
  // Rows above and below a block are summed again: enough rows that this does not show.
  const int64_t wanted = greatest(kElementsPerChunk / p.columns, 8 * p.before);
  const int64_t rows = least(p.rows, greatest(1, wanted));
  const int64_t blocks = ceil_div(p.rows, rows);
  const int64_t together = greatest(1, kElementsPerChunk / (rows * p.columns));
  parallel_for(context, ceil_div(planes * blocks, together), scratch_bytes,
               [&](int64_t chunk, void* scratch) {
                 const int64_t end = least((chunk + 1) * together, planes * blocks);
                 for (int64_t i = chunk * together; i < end; ++i) {
                   const int64_t first = i % blocks * rows;
                   body(Block{i / blocks, first, least(first + rows, p.rows)}, scratch);
                 }
               });
}

// Room for a row of column sums with `reach` zeros on either side.
template <class T>
int64_t padded_row(const LrnProblem& p) {
  return p.columns + 2 * p.before + Vec<T>::lanes;
}

// to[column + p.before] = the sum of term(row, column, n) over the rows of the window of row h.
template <class T, class Term>
STRIATE_INLINE void sum_rows(const LrnProblem& p, int64_t h, T* to, const Term& term) {
  const int64_t begin = greatest(0, h - p.before), end = least(p.rows, h + p.before + 1);
  for (int64_t i = 0; i < p.before; ++i) to[i] = to[p.before + p.columns + i] = T(0);
  for_each_vector<T>(0, p.columns, [&](int64_t column, int n) {
    Vec<T> sum = Vec<T>::zero();
    for (int64_t row = begin; row < end; ++row) sum = term(sum, row, column, n);
    sum.store(to + p.before + column, n);
  });
}

// The sum over the columns of the windows from `column` on.
template <class T>
STRIATE_INLINE Vec<T> sum_columns(const LrnProblem& p, const T* sums, int64_t column, int n) {
  Vec<T> sum = Vec<T>::zero();
  for (int64_t i = 0; i <= 2 * p.before; ++i) sum = sum + Vec<T>::load(sums + column + i, n);
  return sum;
}

// visit(column, n, t) along row h, where t = k + a * (the window's sum of squares).
template <class T, class Visit>
STRIATE_INLINE void for_each_base(const LrnProblem& p, const Constants<T>& constants,
                                  const T* plane, int64_t h, T* sums, const Visit& visit) {
  sum_rows(p, h, sums, [&](Vec<T> sum, int64_t row, int64_t column, int n) {
    const Vec<T> value = Vec<T>::load(plane + row * p.columns + column, n);
    return fma(value, value, sum);
  });
  for_each_vector<T>(0, p.columns, [&](int64_t column, int n) {
    visit(column, n, fma(constants.a, sum_columns(p, sums, column, n), constants.k));
  });
}

template <Power power, class T>
void forward(const LrnProblem& p, const T* x, T* y, const Context& context) {
  const Constants<T> constants(p);
  const size_t scratch_bytes = static_cast<size_t>(padded_row<T>(p)) * sizeof(T);
  for_each_block(p, scratch_bytes, context, [&](const Block& block, void* scratch) {
    const T* const plane = x + block.plane * p.positions;
    T* const to = y + block.plane * p.positions;
    for (int64_t h = block.begin; h < block.end; ++h)
      for_each_base(p, constants, plane, h, static_cast<T*>(scratch),
                    [&](int64_t column, int n, Vec<T> t) {
                      const int64_t at = h * p.columns + column;
                      const Vec<T> scale =
                          formula::inverse_power<power>(t, constants.one, constants.minus_beta);
                      (Vec<T>::load(plane + at, n) * scale).store(to + at, n);
                    });
  });
}

// dx_i = dy_i t_i^-beta - 2 a beta x_i (sum of dy x t^(-beta-1) over the window of i): windows that
// hold i have their middle there. The summands of a window's rows are kept in a ring.
template <Power power, class T>
void grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  const Constants<T> constants(p);
  const int64_t ring = least(2 * p.before + 1, p.rows), width = padded_row<T>(p);
  const size_t scratch_bytes = static_cast<size_t>(width + ring * p.columns) * sizeof(T);
  for_each_block(p, scratch_bytes, context, [&](const Block& block, void* scratch) {
    const int64_t first = block.plane * p.positions;
    const T* const plane = x + first;
    T* const sums = static_cast<T*>(scratch);
    T* const summands = sums + width;
    const auto first_term = [&](int64_t h) {
      T* const summand = summands + h % ring * p.columns;
      const bool own = h >= block.begin && h < block.end;
      for_each_base(p, constants, plane, h, sums, [&](int64_t column, int n, Vec<T> t) {
        const int64_t at = h * p.columns + column;
        const Vec<T> term = Vec<T>::load(dy + first + at, n) *
                            formula::inverse_power<power>(t, constants.one, constants.minus_beta);
        if (own) term.store(dx + first + at, n);
        (term * Vec<T>::load(plane + at, n) / t).store(summand + column, n);
      });
    };
    const auto second_term = [&](int64_t h) {
      sum_rows(p, h, sums, [&](Vec<T> sum, int64_t row, int64_t column, int n) {
        return sum + Vec<T>::load(summands + row % ring * p.columns + column, n);
      });
      for_each_vector<T>(0, p.columns, [&](int64_t column, int n) {
        const int64_t at = h * p.columns + column;
        T* const to = dx + first + at;
        const Vec<T> factor = constants.minus_2ab * Vec<T>::load(plane + at, n);
        fma(factor, sum_columns(p, sums, column, n), Vec<T>::load(to, n)).store(to, n);
      });
    };
    const int64_t last = least(p.rows, block.end + p.before);
    for (int64_t h = greatest(0, block.begin - p.before); h < block.end + p.before; ++h) {
      if (h < last) first_term(h);
      if (h - p.before >= block.begin) second_term(h - p.before);
    }
  });
}

template <class T>
void norm_within(const LrnProblem& p, const T* x, T* y, const Context& context) {
  with_power(p.beta, [&](auto power) { forward<power.get>(p, x, y, context); });
}

template <class T>
void norm_within_grad(const LrnProblem& p, const T* dy, const T* x, T* dx, const Context& context) {
  with_power(p.beta, [&](auto power) { grad<power.get>(p, dy, x, dx, context); });
}

}  // namespace

const LrnWithinKernels<float> lrn_within_f32 = {norm_within<float>, norm_within_grad<float>};
const LrnWithinKernels<double> lrn_within_f64 = {norm_within<double>, norm_within_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
