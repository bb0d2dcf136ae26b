#include "core/spec/batch_norm.h"

#include <cmath>

#include "core/spec/shapes.h"

namespace striate::spec {
namespace {

BatchNormProblem problem(const char* function, const ArrayInfo& x, double eps) {
  check(x.shape.rank >= 2, function, x.name, " must have at least 2 axes (N, C, ...). Got shape ",
        to_string(x.shape), ".");
  check(std::isfinite(eps) && eps >= 0, function,
        "eps must be finite and at least 0. Got eps=", eps, ".");
  const bool empty = element_count(function, x.name, x.shape) == 0;
  BatchNormProblem p{x.dtype, x.shape[0], x.shape[1], empty ? 0 : 1, eps};
  for (int i = 2; i < x.shape.rank && !empty; ++i) p.positions *= x.shape[i];
  return p;
}

void check_channels(const char* function, const ArrayInfo& x, const ArrayInfo* array) {
  if (array == nullptr) return;
  check_same_dtype(function, x, *array);
  check_shape(function, *array, make_shape(x.shape[1]));
}

void check_several(const char* function, const ArrayInfo& x, const BatchNormProblem& p) {
  check(p.per_channel() != 1, function,
        "needs more than one value per channel. Got shape=", to_string(x.shape), ".");
}

}  // namespace

BatchNormProblem batch_norm(const char* function, const ArrayInfo& x, const ArrayInfo& mean,
                            const ArrayInfo& var, const ArrayInfo* gamma, const ArrayInfo* beta,
                            double eps) {
  const BatchNormProblem p = problem(function, x, eps);
  for (const ArrayInfo* array : {&mean, &var, gamma, beta}) check_channels(function, x, array);
  return p;
}

BatchNormProblem batch_norm_train(const char* function, const ArrayInfo& x, const ArrayInfo* gamma,
                                  const ArrayInfo* beta, double eps) {
  const BatchNormProblem p = problem(function, x, eps);
  for (const ArrayInfo* array : {gamma, beta}) check_channels(function, x, array);
  check_several(function, x, p);
  return p;
}

BatchNormProblem batch_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* gamma, const ArrayInfo& mean,
                                 const ArrayInfo& var, double eps, bool frozen) {
  const BatchNormProblem p = problem(function, x, eps);
  check_same_dtype(function, dy, x);
  check_shape(function, dy, x.shape);
  for (const ArrayInfo* array : {gamma, &mean, &var}) check_channels(function, x, array);
  if (!frozen) check_several(function, x, p);
  return p;
}

}  // namespace striate::spec
