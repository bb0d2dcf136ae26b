// Lp pooling: sums over windows, of powers.
#include "core/formula/lp_pool.h"

#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/pool/window_sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::LpNorm;

template <LpNorm norm, class T>
struct Norm {
  Vec<T> p, inverse_p;

  explicit STRIATE_INLINE Norm(double norm_type)
      : p(Vec<T>::set(static_cast<T>(norm_type))),
        inverse_p(Vec<T>::set(static_cast<T>(1 / norm_type))) {}
  STRIATE_INLINE Vec<T> term(Vec<T> x) const { return formula::lp_term<norm>(x, p); }
  STRIATE_INLINE Vec<T> result(Vec<T> sum, Vec<T>) const {
    return formula::lp_root<norm>(sum, inverse_p);
  }
  STRIATE_INLINE T term(T x) const { return term(Vec<T>::set(x)).raw[0]; }
  STRIATE_INLINE T result(T sum, T) const {
    return formula::lp_root<norm>(Vec<T>::set(sum), inverse_p).raw[0];
  }
};

template <LpNorm norm, class T>
struct NormGrad {
  static constexpr bool kCopies = false;  // each element has a factor of its own
  const T *dy, *x, *y;
  Vec<T> one_minus_p, p_minus_one;

  STRIATE_INLINE NormGrad(double norm_type, const T* dy_data, const T* x_data, const T* y_data)
      : dy(dy_data),
        x(x_data),
        y(y_data),
        one_minus_p(Vec<T>::set(static_cast<T>(1 - norm_type))),
        p_minus_one(Vec<T>::set(static_cast<T>(norm_type - 1))) {}

  STRIATE_INLINE void write_shares(const AvgPoolProblem& p, const Tables<T>&, const Line& line,
                                   int64_t first, int64_t count, T* to) const {
    const Window& w = p.window;
    for_each_vector<T>(0, count, [&](int64_t i, int n) {
      Vec<T> sum = Vec<T>::zero();
      for (int64_t d = line.depths.begin; d < line.depths.end; ++d) {
        for (int64_t h = line.heights.begin; h < line.heights.end; ++h) {
          const int64_t at = line.plane * w.out_size() + (d * w.out[1] + h) * w.out[2] + first + i;
          sum = sum + formula::lp_share<norm>(Vec<T>::load(dy + at, n), Vec<T>::load(y + at, n),
                                              one_minus_p);
        }
      }
      sum.store(to + i, n);
    });
  }
  STRIATE_INLINE Vec<T> gradient(Vec<T> sum, int64_t at, int n) const {
    return sum * formula::lp_slope<norm>(Vec<T>::load(x + at, n), p_minus_one);
  }
};

template <class T>
void forward(const LpPoolProblem& p, const T* x, T* y, const Context& context) {
  if (p.norm_type == 1) return sum_windows(Norm<LpNorm::one, T>(1), p, x, y, context);
  if (p.norm_type == 2) return sum_windows(Norm<LpNorm::two, T>(2), p, x, y, context);
  if (p.norm_type == 4) return sum_windows(Norm<LpNorm::four, T>(4), p, x, y, context);
  sum_windows(Norm<LpNorm::any, T>(p.norm_type), p, x, y, context);
}

template <class T>
void grad(const LpPoolProblem& p, const T* dy, const T* x, const T* y, T* dx,
          const Context& context) {
  if (p.norm_type == 1)
    return spread_windows(NormGrad<LpNorm::one, T>(1, dy, x, y), p, dx, context);
  if (p.norm_type == 2)
    return spread_windows(NormGrad<LpNorm::two, T>(2, dy, x, y), p, dx, context);
  if (p.norm_type == 4)
    return spread_windows(NormGrad<LpNorm::four, T>(4, dy, x, y), p, dx, context);
  spread_windows(NormGrad<LpNorm::any, T>(p.norm_type, dy, x, y), p, dx, context);
}

}  // namespace

const LpPoolKernels<float> lp_pool_f32 = {forward<float>, grad<float>};
const LpPoolKernels<double> lp_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
