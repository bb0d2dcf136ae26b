// Layer and group normalisation. A slice is one group of threads' work: a thread's where slices lie
// side by side, else a warp's or a block's.
#include "core/formula/batch_norm.h"
#include "cuda/kernels.h"
#include "cuda/norm/moments.h"
#include "cuda/softmax/slices.h"

namespace striate::cuda {
namespace {

using formula::BatchNormGradFactors;
using formula::BatchNormSums;
using formula::NormalizeFactors;

// Where the elements of a slice lie, and which scale each has.
struct SliceMap {
  int64_t length, step;
  int64_t inner;
  Divisor inner_divisor, groups, positions;
  int64_t channels;

  explicit SliceMap(const LayerNormProblem& p)
      : length(p.length()),
        step(p.inner),
        inner(p.inner),
        inner_divisor(p.inner, p.rows * p.inner),
        groups(p.groups, p.rows),
        positions(p.positions, p.length()),
        channels(p.channels) {}
  // The first scale of a slice.
  STRIATE_DEVICE int64_t first_scale(int64_t slice) const {
    return divide(inner_divisor.quotient(slice), groups).remainder * channels;
  }
  STRIATE_DEVICE int64_t scale(int64_t first, int64_t i) const {
    return first + positions.quotient(i);
  }
};

// z = scale (x - centre) + shift, of a slice.
template <class T>
STRIATE_DEVICE NormalizeFactors<T> plain_factors(const Moments& moments, double eps) {
  return NormalizeFactors<T>::of(moments.mean, moments.squares / moments.count, eps, 1, 0);
}

template <class T, class Group>
__device__ Moments slice_moments(const Group& group, const SliceMap& map, const T* x) {
  const int64_t step = map.step;
  return group.reduce(thread_moments<1>(x, group.rank(), group.size(), map.length,
                                        [=](int64_t i) { return i * step; }),
                      MergeMoments{});
}

template <class T>
struct Forward {
  SliceMap map;
  double eps;
  const T *x, *gamma, *beta;
  T* y;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t slice, int64_t at) const {
    const NormalizeFactors<T> f = plain_factors<T>(slice_moments(group, map, x + at), eps);
    const int64_t first = map.first_scale(slice);
    for (int64_t i = group.rank(); i < map.length; i += group.size()) {
      const int64_t own = at + i * map.step, c = map.scale(first, i);
      const Lane<T> z = formula::normalize(Lane<T>{x[own]}, Lane<T>{f.centre}, Lane<T>{f.scale},
                                           Lane<T>{f.shift});
      y[own] = fma(z, Lane<T>{value_or(gamma, c, T(1))}, Lane<T>{value_or(beta, c, T(0))}).value;
    }
  }
};

struct AddSums {
  STRIATE_DEVICE BatchNormSums operator()(BatchNormSums a, const BatchNormSums& b) const {
    a.merge(b);
    return a;
  }
};

// dx, and each slice's factors of z, which the scales' gradients need.
template <class T>
struct Backward {
  SliceMap map;
  double eps;
  const T *dy, *x, *gamma;
  T* dx;
  NormalizeFactors<T>* factors;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t slice, int64_t at) const {
    const Moments moments = slice_moments(group, map, x + at);
    const NormalizeFactors<T> z = plain_factors<T>(moments, eps);
    const int64_t first = map.first_scale(slice);
    LongSum<T> sum_g, sum_gx;
    for (int64_t i = group.rank(); i < map.length; i += group.size()) {
      const int64_t own = at + i * map.step;
      const T g = dy[own] * value_or(gamma, map.scale(first, i), T(1));
      sum_g.add(g);
      sum_gx.add(g * (x[own] - z.centre));
    }
    BatchNormSums sums = group.reduce(BatchNormSums{sum_g.total(), sum_gx.total(), 0}, AddSums{});
    sums.x = moments.count * (moments.mean - z.centre);
    const auto f = BatchNormGradFactors<T>::of(sums, moments.count, z.centre,
                                               moments.squares / moments.count, eps, 1, false);
    for (int64_t i = group.rank(); i < map.length; i += group.size()) {
      const int64_t own = at + i * map.step;
      const T g = dy[own] * value_or(gamma, map.scale(first, i), T(1));
      dx[own] = formula::batch_norm_grad(Lane<T>{g}, Lane<T>{x[own]}, Lane<T>{f.centre},
                                         Lane<T>{f.a}, Lane<T>{f.b}, Lane<T>{f.c})
                    .value;
    }
    if (group.rank() == 0) factors[slice] = z;
  }
};

// The sums of dy z and of dy over all elements that share a scale.
struct ScaleSums {
  double gamma, beta;
};

template <class T>
struct ScaleGrads {
  using Value = ScaleSums;
  static constexpr int kRun = 1;
  const T *dy, *x;
  const NormalizeFactors<T>* factors;
  int64_t groups, channels, inner;  // of the problem

  template <int>
  __device__ Value reduce(const Share& share, int64_t scale) const {
    const int64_t group = groups == 1 ? 0 : scale / channels;
    LongSum<T> sum_dy, sum_dy_z;
    for (int64_t i = share.first; i < share.length; i += share.stride) {
      const Place place = share.at(i);
      const int64_t slice =
          inner > 1 ? place.outer * inner + place.inner : place.outer * groups + group;
      const NormalizeFactors<T>& f = factors[slice];
      const Lane<T> z = formula::normalize(Lane<T>{x[place.offset]}, Lane<T>{f.centre},
                                           Lane<T>{f.scale}, Lane<T>{f.shift});
      sum_dy_z.add(dy[place.offset] * z.value);
      sum_dy.add(dy[place.offset]);
    }
    return {sum_dy_z.total(), sum_dy.total()};
  }
  static STRIATE_DEVICE Value merge(const Value& a, const Value& b) {
    return {a.gamma + b.gamma, a.beta + b.beta};
  }
};

template <class T>
struct StoreScaleGrads {
  T *dgamma, *dbeta;
  STRIATE_DEVICE void operator()(int64_t scale, const ScaleSums& sums) const {
    dgamma[scale] = static_cast<T>(sums.gamma);
    dbeta[scale] = static_cast<T>(sums.beta);
  }
};

template <class T>
void forward(const LayerNormProblem& p, const T* x, const T* gamma, const T* beta, T* y,
             const Context& context) {
  if (p.rows == 0) return;
  for_each_slice("layer_norm", Slices(p.rows, p.length(), p.inner),
                 Forward<T>{SliceMap(p), p.eps, x, gamma, beta, y}, context);
}

template <class T>
void grad(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx, T* dgamma,
          T* dbeta, const Context& context) {
  constexpr char what[] = "layer_norm_grad";
  const Scratch<NormalizeFactors<T>> factors(context, p.rows * p.inner);
  if (p.rows > 0)
    for_each_slice(what, Slices(p.rows, p.length(), p.inner),
                   Backward<T>{SliceMap(p), p.eps, dy, x, gamma, dx, factors.data()}, context);
  reduce_channels(what, p.rows / p.groups, p.scales(), p.positions * p.inner,
                  ScaleGrads<T>{dy, x, factors.data(), p.groups, p.channels, p.inner},
                  StoreScaleGrads<T>{dgamma, dbeta}, context);
}

}  // namespace

const LayerNormKernels<float> layer_norm_f32 = {forward<float>, grad<float>};
const LayerNormKernels<double> layer_norm_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
