#include "core/formula/lp_pool.h"
#include "cuda/kernels.h"
#include "cuda/map.h"
#include "cuda/pool/windows.h"

namespace striate::cuda {
namespace {

using formula::LpNorm;

template <LpNorm norm, class T>
struct Norm {
  using State = LongSum<T>;
  using Merge = AddLongSums;
  const T* x;
  T* y;
  T p, inverse_p;
  STRIATE_DEVICE T load(int64_t at) const { return x[at]; }
  STRIATE_DEVICE void add(State& sum, T value, int64_t) const {
    sum.add(formula::lp_term<norm>(Lane<T>{value}, Lane<T>{p}).value);
  }
  STRIATE_DEVICE void store(int64_t output, const State& sum, int64_t) const {
    y[output] =
        formula::lp_root<norm>(Lane<T>{static_cast<T>(sum.total())}, Lane<T>{inverse_p}).value;
  }
};

// A window's share of the gradient, computed once for all of its elements.
template <LpNorm norm, class T>
struct WindowShare {
  T one_minus_p;
  STRIATE_DEVICE Lane<T> operator()(Lane<T> dy, Lane<T> y) const {
    return formula::lp_share<norm>(dy, y, Lane<T>{one_minus_p});
  }
};

template <LpNorm norm, class T>
struct NormGrad {
  const T *shares, *x;
  T p_minus_one;
  STRIATE_DEVICE T load(int64_t output) const { return shares[output]; }
  STRIATE_DEVICE T share(int64_t, T own, int64_t) const { return own; }
  STRIATE_DEVICE T gradient(int64_t i, T sum) const {
    return sum * formula::lp_slope<norm>(Lane<T>{x[i]}, Lane<T>{p_minus_one}).value;
  }
};

template <LpNorm norm, class T>
void forward(const LpPoolProblem& p, const T* x, T* y, const Context& context) {
  const WindowTables tables("lp_pool", p, context);
  const Norm<norm, T> f{x, y, static_cast<T>(p.norm_type), static_cast<T>(1 / p.norm_type)};
  for_each_window("lp_pool", p, tables, f, context);
}

template <LpNorm norm, class T>
void grad(const LpPoolProblem& p, const T* dy, const T* x, const T* y, T* dx,
          const Context& context) {
  constexpr char what[] = "lp_pool_grad";
  const WindowTables tables(what, p, context);
  const int64_t outputs = p.planes() * p.window.out_size();
  const Scratch<T> shares(context, outputs);
  map(what, outputs, shares.data(), context, WindowShare<norm, T>{static_cast<T>(1 - p.norm_type)},
      dy, y);
  const NormGrad<norm, T> f{shares.data(), x, static_cast<T>(p.norm_type - 1)};
  for_each_element(what, p, tables, f, dx, context);
}

template <class T>
void lp_pool(const LpPoolProblem& p, const T* x, T* y, const Context& context) {
  const auto run = p.norm_type == 1   ? forward<LpNorm::one, T>
                   : p.norm_type == 2 ? forward<LpNorm::two, T>
                                      : forward<LpNorm::any, T>;
  run(p, x, y, context);
}

template <class T>
void lp_pool_grad(const LpPoolProblem& p, const T* dy, const T* x, const T* y, T* dx,
                  const Context& context) {
  const auto run = p.norm_type == 1   ? grad<LpNorm::one, T>
                   : p.norm_type == 2 ? grad<LpNorm::two, T>
                                      : grad<LpNorm::any, T>;
  run(p, dy, x, y, dx, context);
}

}  // namespace

const LpPoolKernels<float> lp_pool_f32 = {lp_pool<float>, lp_pool_grad<float>};
const LpPoolKernels<double> lp_pool_f64 = {lp_pool<double>, lp_pool_grad<double>};

}  // namespace striate::cuda
