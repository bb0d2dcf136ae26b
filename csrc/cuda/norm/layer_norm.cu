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

// Which scale each element of a slice has.
struct ScaleMap {
  Divisor inner, groups, positions;
  int64_t channels;

  explicit ScaleMap(const LayerNormProblem& p)
      : inner(p.inner, p.rows * p.inner),
        groups(p.groups, p.rows),
        positions(p.positions, p.length()),
        channels(p.channels) {}
  // The first scale of a slice.
  STRIATE_DEVICE int64_t first(int64_t slice) const {
    return divide(inner.quotient(slice), groups).remainder * channels;
  }
  // The scales of elements i to i + kRun - 1 of a slice, ones where there are none.
  template <int kRun, class T>
  STRIATE_DEVICE void load(const T* scales, T otherwise, int64_t first, int64_t i,
                           T (&run)[kRun]) const {
    if (scales != nullptr && positions.value() == 1)
      return load_run(scales + first + i, is_aligned(scales + first + i), run);
    const bool one = scales == nullptr || positions.value() % kRun == 0;
    STRIATE_UNROLL
    for (int j = 0; j < kRun; ++j)
      run[j] =
          j > 0 && one ? run[0] : value_or(scales, first + positions.quotient(i + j), otherwise);
  }
};

// z = scale (x - centre) + shift, of a slice.
template <class T>
STRIATE_DEVICE NormalizeFactors<T> plain_factors(const Moments& moments, double eps) {
  return NormalizeFactors<T>::of(moments.mean, moments.squares / moments.count, eps, 1, 0);
}

template <class T, class Part>
__device__ __forceinline__ Moments slice_moments(const Part& part, typename Part::Held& x) {
  Moments own{0, 0, 0};
  const auto add_batch = [&](int64_t first) {
    const int count = part.runs(first) * Part::kRun;
    if (count == 0) return;
    const auto value = [&](int i) { return x.run[i / Part::kRun][i % Part::kRun]; };
    own = MergeMoments{}(own, batch_moments<T, Part::kHeld>(count, value));
  };
  part.for_each_batch(add_batch, x);
  return part.group.reduce(own, MergeMoments{});
}

template <class T>
struct Forward {
  ScaleMap scales;
  double eps;
  const T *x, *gamma, *beta;
  T* y;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own(x);
    const NormalizeFactors<T> f = plain_factors<T>(slice_moments<T>(part, own), eps);
    const int64_t first = scales.first(part.slice);
    const auto fill = [&](int k, int64_t i, T(&run)[Part::kRun]) {
      T scale[Part::kRun], shift[Part::kRun];
      scales.load(gamma, T(1), first, i, scale);
      scales.load(beta, T(0), first, i, shift);
      STRIATE_UNROLL
      for (int j = 0; j < Part::kRun; ++j) {
        const Lane<T> z = formula::normalize(Lane<T>{own.run[k][j]}, Lane<T>{f.centre},
                                             Lane<T>{f.scale}, Lane<T>{f.shift});
        run[j] = fma(z, Lane<T>{scale[j]}, Lane<T>{shift[j]}).value;
      }
    };
    part.store_runs(y, fill, own);
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
  ScaleMap scales;
  double eps;
  const T *dy, *x, *gamma;
  T* dx;
  NormalizeFactors<T>* factors;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own(x), g(dy);  // g is to be dy gamma
    const Moments moments = slice_moments<T>(part, own);
    const NormalizeFactors<T> z = plain_factors<T>(moments, eps);
    const int64_t first_scale = scales.first(part.slice);
    const auto multiply_by_gamma = [&](int k, int64_t i) {
      T scale[Part::kRun];
      scales.load(gamma, T(1), first_scale, i, scale);
      STRIATE_UNROLL
      for (int j = 0; j < Part::kRun; ++j) g.run[k][j] *= scale[j];
    };
    BatchNormSums sums{0, 0, 0};
    const auto add_batch = [&](int64_t first) {
      T sum_g = 0, sum_gx = 0;
      part.for_each_run(first, [&](int k, int64_t i) {
        multiply_by_gamma(k, i);
        STRIATE_UNROLL
        for (int j = 0; j < Part::kRun; ++j) {
          sum_g += g.run[k][j];
          sum_gx += g.run[k][j] * (own.run[k][j] - z.centre);
        }
      });
      sums.merge({static_cast<double>(sum_g), static_cast<double>(sum_gx), 0});
    };
    part.for_each_batch(add_batch, own, g);
    sums = part.group.reduce(sums, AddSums{});
    sums.x = moments.count * (moments.mean - z.centre);
    const auto f = BatchNormGradFactors<T>::of(sums, moments.count, z.centre,
                                               moments.squares / moments.count, eps, 1, false);
    const bool multiplied = part.is_one_batch();
    const auto fill = [&](int k, int64_t i, T(&run)[Part::kRun]) {
      if (!multiplied) multiply_by_gamma(k, i);
      STRIATE_UNROLL
      for (int j = 0; j < Part::kRun; ++j)
        run[j] =
            formula::batch_norm_grad(Lane<T>{g.run[k][j]}, Lane<T>{own.run[k][j]},
                                     Lane<T>{f.centre}, Lane<T>{f.a}, Lane<T>{f.b}, Lane<T>{f.c})
                .value;
    };
    part.store_runs(dx, fill, own, g);
    if (part.group.rank() == 0) factors[part.slice] = z;
  }
};

// The sums of dy z and of dy over all elements that share a scale.
struct ScaleSums {
  double gamma, beta;
};

template <class T>
struct ScaleGrads {
  using Value = ScaleSums;
  static constexpr int kRun = Pack<T>::size;
  const T *dy, *x;
  const NormalizeFactors<T>* factors;
  int64_t groups, channels, inner;  // of the problem

  template <int kTaken>
  __device__ Value reduce(const Share& share, int64_t scale) const {
    constexpr int kTogether = 4;  // runs that are read before one is added
    const int64_t group = groups == 1 ? 0 : scale / channels;
    LongSum<T> sum_dy, sum_dy_z;
    for (int64_t i = share.first; i < share.length; i += kTogether * share.stride) {
      T own_dy[kTogether][kTaken] = {}, own_x[kTogether][kTaken] = {};
      int64_t slice[kTogether] = {};
      STRIATE_UNROLL
      for (int k = 0; k < kTogether; ++k) {
        if (i + k * share.stride >= share.length) continue;
        const Place place = share.at(i + k * share.stride);
        load_run(dy + place.offset, own_dy[k]);
        load_run(x + place.offset, own_x[k]);
        slice[k] = inner > 1 ? place.outer * inner + place.inner : place.outer * groups + group;
      }
      STRIATE_UNROLL
      for (int k = 0; k < kTogether; ++k) {
        if (i + k * share.stride >= share.length) continue;
        STRIATE_UNROLL
        for (int j = 0; j < kTaken; ++j) {
          const NormalizeFactors<T>& f = factors[slice[k] + (inner > 1 ? j : 0)];
          const Lane<T> z = formula::normalize(Lane<T>{own_x[k][j]}, Lane<T>{f.centre},
                                               Lane<T>{f.scale}, Lane<T>{f.shift});
          sum_dy_z.add(own_dy[k][j] * z.value);
          sum_dy.add(own_dy[k][j]);
        }
      }
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
  for_each_slice<T>("layer_norm", Slices(p.rows, p.length(), p.inner),
                    Forward<T>{ScaleMap(p), p.eps, x, gamma, beta, y}, context);
}

template <class T>
void grad(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx, T* dgamma,
          T* dbeta, const Context& context) {
  constexpr char what[] = "layer_norm_grad";
  const Scratch<NormalizeFactors<T>> factors(context, p.rows * p.inner);
  if (p.rows > 0)
    for_each_slice<T>(what, Slices(p.rows, p.length(), p.inner),
                      Backward<T>{ScaleMap(p), p.eps, dy, x, gamma, dx, factors.data()}, context);
  reduce_channels(what, p.rows / p.groups, p.scales(), p.positions * p.inner,
                  ScaleGrads<T>{dy, x, factors.data(), p.groups, p.channels, p.inner},
                  StoreScaleGrads<T>{dgamma, dbeta}, context);
}

}  // namespace

const LayerNormKernels<float> layer_norm_f32 = {forward<float>, grad<float>};
const LayerNormKernels<double> layer_norm_f64 = {forward<double>, grad<double>};

}  // namespace striate::cuda
