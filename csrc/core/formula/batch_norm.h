// Batch normalisation, for any V with the operators of simd.h (or a CUDA scalar's).
#pragma once

#include <cstdint>

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

// The mean of some values, and the sum of their squared distances from it (Chan, Golub and LeVeque,
// "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
struct Moments {
  double count, mean, squares;

  // From sums over distances from `centre`, which is near the mean.
  static STRIATE_FORMULA Moments around(double centre, double count, double sum, double squares) {
    const double offset = sum / count, rest = squares - sum * offset;
    return {count, centre + offset, rest < 0 ? 0 : rest};
  }

  STRIATE_FORMULA void merge(const Moments& other) {
    const double total = count + other.count, distance = other.mean - mean;
    mean += distance * (other.count / total);
    squares += other.squares + distance * distance * (count * other.count / total);
    count = total;
  }
};

// The same for many channels at once, whose blocks have `added` values after `count` others.
struct MomentsMerge {
  double weight, cross, per_value;

  STRIATE_FORMULA MomentsMerge(double count, double added)
      : weight(added / (count + added)), cross(count * weight), per_value(1 / added) {}

  // The block's sums are over distances from `centre`.
  template <class T>
  STRIATE_FORMULA void operator()(double& mean, double& squares, T centre, T sum,
                                  T sum_of_squares) const {
    const double offset = sum * per_value, rest = sum_of_squares - sum * offset;
    const double distance = centre + offset - mean;
    mean += distance * weight;
    squares += (rest < 0 ? 0 : rest) + distance * distance * cross;
  }
};

STRIATE_FORMULA double inverse_std(double var, double eps) { return 1 / __builtin_sqrt(var + eps); }

// y = (x - centre) * scale + shift, centre being subtracted first, and so exactly for x nearby.
template <class T>
struct NormalizeFactors {
  T centre, scale, shift;

  // A mean that T cannot hold leaves its rest in the shift.
  static STRIATE_FORMULA NormalizeFactors of(double mean, double var, double eps, double gamma,
                                             double beta) {
    const T centre = static_cast<T>(mean);
    const double scale = gamma * inverse_std(var, eps);
    return {centre, static_cast<T>(scale), static_cast<T>(beta - (mean - centre) * scale)};
  }
};

template <class V>
STRIATE_FORMULA V normalize(V x, V centre, V scale, V shift) {
  return fma(x - centre, scale, shift);
}

// Sums over a channel: of dy, of dy (x - mean), and of x - mean, which is 0 but for mean's
// rounding.
struct BatchNormSums {
  double dy, dy_x, x;

  STRIATE_FORMULA void merge(const BatchNormSums& other) {
    dy += other.dy;
    dy_x += other.dy_x;
    x += other.x;
  }
};

// dx = a dy + b (x - centre) + c
template <class T>
struct BatchNormGradFactors {
  T centre, a, b, c;
  T dgamma, dbeta;

  static STRIATE_FORMULA BatchNormGradFactors of(const BatchNormSums& sums, double count, T mean,
                                                 double var, double eps, double gamma,
                                                 bool frozen) {
    const double inverse = inverse_std(var, eps), a = gamma * inverse;
    if (frozen)
      return {mean,
              static_cast<T>(a),
              0,
              0,
              static_cast<T>(sums.dy_x * inverse),
              static_cast<T>(sums.dy)};
    const double offset = sums.x / count;
    const double dgamma = (sums.dy_x - offset * sums.dy) * inverse;
    const double b = -a * inverse * dgamma / count, c = -a * sums.dy / count - b * offset;
    return {mean,
            static_cast<T>(a),
            static_cast<T>(b),
            static_cast<T>(c),
            static_cast<T>(dgamma),
            static_cast<T>(sums.dy)};
  }
};

template <class V>
STRIATE_FORMULA V batch_norm_grad(V dy, V x, V centre, V a, V b, V c) {
  return fma(a, dy, fma(b, x - centre, c));
}

}  // namespace
}  // namespace striate::formula
