// Layer and group normalisation of slices that lie side by side; layer_norm_columns.h has the
// others. A slice's moments are those of moments.h.
#include "core/formula/batch_norm.h"
#include "cpu/kernels.h"
#include "cpu/norm/layer_norm_columns.h"
#include "cpu/norm/moments.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::BatchNormGradFactors;
using formula::BatchNormSums;
using formula::Moments;
using formula::NormalizeFactors;

constexpr int64_t kShortRow = 4096;  // a row and its scales' sums stay in the caches
constexpr int64_t kRowsPerSum = 32;  // added up in T; their sums are added up in double
constexpr int64_t kColumns = 512;    // of a chunk, where rows are long

// body(row) for every row, in chunks of about as many elements.
template <class Body>
STRIATE_INLINE void for_each_row(const LayerNormProblem& p, const Context& context,
                                 const Body& body) {
  const int64_t together = ceil_div(kElementsPerChunk, p.length());
  parallel_for(context, ceil_div(p.rows, together), 0, [&](int64_t chunk, void*) {
    const int64_t end = (chunk + 1) * together;
    for (int64_t row = chunk * together; row < (end < p.rows ? end : p.rows); ++row) body(row);
  });
}

// Loads scales, or a constant where there are none.
template <class T>
STRIATE_INLINE Vec<T> load_or(const T* scales, int64_t i, int n, T otherwise) {
  return scales == nullptr ? Vec<T>::set(otherwise) : Vec<T>::load(scales + i, n);
}

template <class T>
void normalize_row(const Moments& moments, double eps, int64_t length, const T* x, const T* gamma,
                   const T* beta, T* y) {
  const auto f = NormalizeFactors<T>::of(moments.mean, moments.squares / moments.count, eps, 1, 0);
  const Vec<T> centre = Vec<T>::set(f.centre), scale = Vec<T>::set(f.scale),
               shift = Vec<T>::set(f.shift);
  for_each_vector<T>(0, length, [&](int64_t i, int n) {
    const Vec<T> z = formula::normalize(Vec<T>::load(x + i, n), centre, scale, shift);
    fma(z, load_or(gamma, i, n, T(1)), load_or(beta, i, n, T(0))).store(y + i, n);
  });
}

template <class T>
void forward(const LayerNormProblem& p, const T* x, const T* gamma, const T* beta, T* y,
             const Context& context) {
  if (p.rows == 0) return;
  if (p.inner > 1) return forward_columns(p, x, gamma, beta, y, context);
  for_each_row(p, context, [=](int64_t row) {
    const int64_t at = row * p.length(), first = row % p.groups * p.channels;
    const Moments moments = row_moments(x + at, p.length());
    if (p.positions == 1) {
      normalize_row(moments, p.eps, p.length(), x + at, gamma == nullptr ? gamma : gamma + first,
                    beta == nullptr ? beta : beta + first, y + at);
      return;
    }
    const double var = moments.squares / moments.count;
    for (int64_t c = 0; c < p.channels; ++c) {
      const auto f = NormalizeFactors<T>::of(moments.mean, var, p.eps,
                                             gamma == nullptr ? T(1) : gamma[first + c],
                                             beta == nullptr ? T(0) : beta[first + c]);
      const Vec<T> centre = Vec<T>::set(f.centre), scale = Vec<T>::set(f.scale),
                   shift = Vec<T>::set(f.shift);
      const int64_t begin = at + c * p.positions;
      for_each_vector<T>(begin, begin + p.positions, [&](int64_t i, int n) {
        formula::normalize(Vec<T>::load(x + i, n), centre, scale, shift).store(y + i, n);
      });
    }
  });
}

// The sums of g = dy gamma and of g (x - centre); that of x - centre is left 0.
template <class T>
BatchNormSums row_sums(const T* dy, const T* x, const T* gamma, T centre, int64_t count) {
  const Vec<T> near = Vec<T>::set(centre);
  BatchNormSums all{0, 0, 0};
  for (int64_t begin = 0; begin < count; begin += kBlock<T>) {
    const int64_t length = count - begin < kBlock<T> ? count - begin : kBlock<T>;
    Sums<T> sum_g, sum_gx;
    for_each_vector_of<T>(Runs{begin, 1, 0, length}, [&](int64_t i, int n, int s) {
      Vec<T> g = Vec<T>::load(dy + i, n);
      if (gamma != nullptr) g = g * Vec<T>::load(gamma + i, n);
      sum_g.part[s] = sum_g.part[s] + g;
      sum_gx.part[s] = fma(g, Vec<T>::load(x + i, n) - near, sum_gx.part[s]);
    });
    all.merge({sum_g.total(), sum_gx.total(), 0});
  }
  return all;
}

// What a row's gradient needs: dx = a g + b (x - centre) + c, and z = scale (x - centre) + shift.
template <class T>
struct RowFactors {
  BatchNormGradFactors<T> dx;
  T scale, shift;

  RowFactors(const LayerNormProblem& p, const Moments& moments, BatchNormSums sums) {
    const double var = moments.squares / moments.count;
    const auto z = NormalizeFactors<T>::of(moments.mean, var, p.eps, 1, 0);
    sums.x = moments.count * (moments.mean - z.centre);
    dx = BatchNormGradFactors<T>::of(sums, moments.count, z.centre, var, p.eps, 1, false);
    scale = z.scale;
    shift = z.shift;
  }
};

// One row, or a piece of it; adds dy z and dy to the sums of the scales' gradients.
template <class T>
STRIATE_INLINE void row_grad(const RowFactors<T>& f, int64_t length, const T* dy, const T* x,
                             const T* gamma, T* dx, T* dgamma, T* dbeta) {
  const Vec<T> centre = Vec<T>::set(f.dx.centre), a = Vec<T>::set(f.dx.a), b = Vec<T>::set(f.dx.b),
               c = Vec<T>::set(f.dx.c), scale = Vec<T>::set(f.scale), shift = Vec<T>::set(f.shift);
  for_each_vector<T>(0, length, [&](int64_t i, int n) {
    const Vec<T> own = Vec<T>::load(dy + i, n), v = Vec<T>::load(x + i, n);
    const Vec<T> g = gamma == nullptr ? own : own * Vec<T>::load(gamma + i, n);
    formula::batch_norm_grad(g, v, centre, a, b, c).store(dx + i, n);
    const Vec<T> z = formula::normalize(v, centre, scale, shift);
    fma(own, z, Vec<T>::load(dgamma + i, n)).store(dgamma + i, n);
    (Vec<T>::load(dbeta + i, n) + own).store(dbeta + i, n);
  });
}

// Sums of the scales' gradients: in T for some rows, in double for all.
template <class T>
class ScaleSums {
 public:
  STRIATE_INLINE ScaleSums(int64_t length, T* some, double* all)
      : length_(length), some_(some), all_(all) {
    __builtin_memset(some_, 0, static_cast<size_t>(2 * length_) * sizeof(T));
    __builtin_memset(all_, 0, static_cast<size_t>(2 * length_) * sizeof(double));
  }
  T* dgamma() const { return some_; }
  T* dbeta() const { return some_ + length_; }
  STRIATE_INLINE void row_is_done() {
    if (++rows_ == kRowsPerSum) flush();
  }
  STRIATE_INLINE void flush() {
    for (int64_t i = 0; i < 2 * length_; ++i) all_[i] += some_[i];
    __builtin_memset(some_, 0, static_cast<size_t>(2 * length_) * sizeof(T));
    rows_ = 0;
  }

 private:
  int64_t length_;
  T* some_;
  double* all_;
  int64_t rows_ = 0;
};

template <class T>
RowFactors<T> row_factors(const LayerNormProblem& p, int64_t row, const T* dy, const T* x,
                          const T* gamma) {
  const int64_t at = row * p.length();
  const Moments moments = row_moments(x + at, p.length());
  return {p, moments, row_sums(dy + at, x + at, gamma, static_cast<T>(moments.mean), p.length())};
}

// Rows are whole in a chunk; chunks leave the sums of their scales' gradients.
template <class T>
void grad_short_rows(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx,
                     T* dgamma, T* dbeta, const Context& context) {
  const int64_t length = p.length(), scales = p.scales();
  // Samples of all groups, so that every chunk has all scales.
  const int64_t fit = ceil_div(2 * kElementsPerChunk, scales);
  const int64_t samples = p.rows / p.groups, together = fit < kRowsPerSum ? kRowsPerSum : fit;
  const int64_t chunks = ceil_div(samples, together);
  double* const partial = static_cast<double*>(
      context.allocate(static_cast<size_t>(chunks * 2 * scales) * sizeof(double)));
  parallel_for(context, chunks, static_cast<size_t>(2 * scales) * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 ScaleSums<T> sums(scales, static_cast<T*>(scratch), partial + chunk * 2 * scales);
                 const int64_t end = (chunk + 1) * together;
                 for (int64_t n = chunk * together; n < (end < samples ? end : samples); ++n) {
                   for (int64_t g = 0; g < p.groups; ++g) {
                     const int64_t row = n * p.groups + g, at = row * length, c = g * length;
                     const T* own = gamma == nullptr ? gamma : gamma + c;
                     row_grad(row_factors(p, row, dy, x, own), length, dy + at, x + at, own,
                              dx + at, sums.dgamma() + c, sums.dbeta() + c);
                   }
                   sums.row_is_done();
                 }
                 sums.flush();
               });
  for (int64_t i = 0; i < 2 * scales; ++i) {
    double total = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk * 2 * scales + i];
    (i < scales ? dgamma + i : dbeta + (i - scales))[0] = static_cast<T>(total);
  }
  context.deallocate(partial);
}

// All rows' factors first; then a chunk has some columns of all rows.
template <class T>
void grad_long_rows(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx,
                    T* dgamma, T* dbeta, const Context& context) {
  const int64_t length = p.length();
  auto* const factors =
      static_cast<RowFactors<T>*>(context.allocate(p.rows * sizeof(RowFactors<T>)));
  for_each_row(p, context, [=](int64_t row) { factors[row] = row_factors(p, row, dy, x, gamma); });
  parallel_for(context, ceil_div(length, kColumns), 0, [&](int64_t chunk, void*) {
    T some[2 * kColumns];
    double all[2 * kColumns];
    const int64_t first = chunk * kColumns;
    const int64_t count = length - first < kColumns ? length - first : kColumns;
    ScaleSums<T> sums(count, some, all);
    for (int64_t row = 0; row < p.rows; ++row) {
      const int64_t at = row * length + first;
      row_grad(factors[row], count, dy + at, x + at, gamma == nullptr ? gamma : gamma + first,
               dx + at, sums.dgamma(), sums.dbeta());
      sums.row_is_done();
    }
    sums.flush();
    for (int64_t i = 0; i < count; ++i) {
      dgamma[first + i] = static_cast<T>(all[i]);
      dbeta[first + i] = static_cast<T>(all[count + i]);
    }
  });
  context.deallocate(factors);
}

// Each scale is for several elements: its sums in a row are numbers.
template <class T>
void grad_planes(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx,
                 T* dgamma, T* dbeta, const Context& context) {
  const int64_t planes = p.rows * p.channels, scales = p.scales();
  auto* const sums = static_cast<BatchNormSums*>(context.allocate(planes * sizeof(BatchNormSums)));
  for_each_row(p, context, [=](int64_t row) {
    const int64_t at = row * p.length(), first = row % p.groups * p.channels;
    const Moments moments = row_moments(x + at, p.length());
    const T centre = static_cast<T>(moments.mean);
    const double inverse = formula::inverse_std(moments.squares / moments.count, p.eps);
    BatchNormSums whole{0, 0, 0};
    for (int64_t c = 0; c < p.channels; ++c) {
      const int64_t begin = at + c * p.positions;
      BatchNormSums& own = sums[row * p.channels + c];
      own = row_sums<T>(dy + begin, x + begin, nullptr, centre, p.positions);
      const double scale = gamma == nullptr ? 1 : gamma[first + c];
      whole.merge({scale * own.dy, scale * own.dy_x, 0});
      own.dy_x = (own.dy_x - (moments.mean - centre) * own.dy) * inverse;  // dgamma's part
    }
    const RowFactors<T> f(p, moments, whole);
    const Vec<T> near = Vec<T>::set(centre), b = Vec<T>::set(f.dx.b), rest = Vec<T>::set(f.dx.c);
    for (int64_t c = 0; c < p.channels; ++c) {
      const int64_t begin = at + c * p.positions;
      const Vec<T> a = Vec<T>::set(gamma == nullptr ? f.dx.a : f.dx.a * gamma[first + c]);
      for_each_vector<T>(begin, begin + p.positions, [&](int64_t i, int n) {
        formula::batch_norm_grad(Vec<T>::load(dy + i, n), Vec<T>::load(x + i, n), near, a, b, rest)
            .store(dx + i, n);
      });
    }
  });
  for (int64_t plane = scales; plane < planes; ++plane) sums[plane % scales].merge(sums[plane]);
  for (int64_t c = 0; c < scales; ++c) {
    dgamma[c] = static_cast<T>(sums[c].dy_x);
    dbeta[c] = static_cast<T>(sums[c].dy);
  }
  context.deallocate(sums);
}

template <class T>
void grad(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx, T* dgamma,
          T* dbeta, const Context& context) {
  if (p.rows == 0) {
    for (int64_t c = 0; c < p.scales(); ++c) dgamma[c] = dbeta[c] = 0;
    return;
  }
  const auto run = p.inner > 1                               ? grad_columns<T>
                   : p.positions > 1                         ? grad_planes<T>
                   : p.scales() <= kShortRow || p.groups > 1 ? grad_short_rows<T>
                                                             : grad_long_rows<T>;
  run(p, dy, x, gamma, dx, dgamma, dbeta, context);
}

}  // namespace

const LayerNormKernels<float> layer_norm_f32 = {forward<float>, grad<float>};
const LayerNormKernels<double> layer_norm_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
