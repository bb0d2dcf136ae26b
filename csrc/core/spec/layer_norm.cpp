#include "core/spec/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "core/spec/shapes.h"

namespace striate::spec {
namespace {

void check_eps(const char* function, double eps) {
  check(std::isfinite(eps) && eps >= 0, function,
        "eps must be finite and at least 0. Got eps=", eps, ".");
}

std::string to_string(const std::vector<int64_t>& axes) {
  std::string text;
  for (const int64_t axis : axes) text += (text.empty() ? "" : ", ") + std::to_string(axis);
  return "(" + text + (axes.size() == 1 ? ",)" : ")");
}

// The places of the axes, in order. They must lie side by side, so that a slice has one stride.
std::vector<int> places(const char* function, const ArrayInfo& x,
                        const std::vector<int64_t>& axes) {
  check(!axes.empty(), function, "axes must not be empty. Got axes=().");
  std::vector<int> sorted;
  for (const int64_t axis : axes) sorted.push_back(normalize_axis(function, axis, x.shape.rank));
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 1; i < sorted.size(); ++i)
    check(sorted[i] == sorted[i - 1] + 1, function,
          "axes must be different ones that follow each other. Got axes=", to_string(axes), ".");
  return sorted;
}

void check_scales(const char* function, const ArrayInfo& x, const ArrayInfo* scales,
                  const Shape& shape) {
  if (scales == nullptr) return;
  check_same_dtype(function, x, *scales);
  check_shape(function, *scales, shape);
}

void check_gradient(const char* function, const ArrayInfo& dy, const ArrayInfo& x) {
  check_same_dtype(function, dy, x);
  check_shape(function, dy, x.shape);
}

}  // namespace

Shape layer_norm_scales(const char* function, const ArrayInfo& x,
                        const std::vector<int64_t>& axes) {
  Shape shape;
  for (const int place : places(function, x, axes)) shape.dim[shape.rank++] = x.shape[place];
  return shape;
}

LayerNormProblem layer_norm(const char* function, const ArrayInfo& x, const ArrayInfo* gamma,
                            const ArrayInfo* beta, const std::vector<int64_t>& axes, double eps) {
  const std::vector<int> normalized = places(function, x, axes);
  const Shape scales = layer_norm_scales(function, x, axes);
  for (const ArrayInfo* array : {gamma, beta}) check_scales(function, x, array, scales);
  check_eps(function, eps);
  const bool empty = element_count(function, x.name, x.shape) == 0;
  LayerNormProblem p{x.dtype, empty ? 0 : 1, 1, 1, 1, 1, eps};
  for (int i = 0; i < scales.rank; ++i) p.channels *= scales[i];
  for (int i = 0; i < normalized.front() && !empty; ++i) p.rows *= x.shape[i];
  for (int i = normalized.back() + 1; i < x.shape.rank && !empty; ++i) p.inner *= x.shape[i];
  return p;
}

LayerNormProblem layer_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* gamma, const std::vector<int64_t>& axes,
                                 double eps) {
  check_gradient(function, dy, x);
  return layer_norm(function, x, gamma, nullptr, axes, eps);
}

LayerNormProblem group_norm(const char* function, const ArrayInfo& x, int64_t num_groups,
                            const ArrayInfo* gamma, const ArrayInfo* beta, double eps) {
  check(x.shape.rank >= 2, function, x.name, " must have at least 2 axes (N, C, ...). Got shape ",
        to_string(x.shape), ".");
  const int64_t channels = x.shape[1];
  check(num_groups >= 1, function, "num_groups must be positive. Got num_groups=", num_groups, ".");
  check(channels % num_groups == 0, function,
        "num_groups must divide C. Got num_groups=", num_groups, ", C=", channels, ".");
  for (const ArrayInfo* array : {gamma, beta})
    check_scales(function, x, array, make_shape(channels));
  check_eps(function, eps);
  if (element_count(function, x.name, x.shape) == 0) return {x.dtype, 0, 1, channels, 1, 1, eps};
  LayerNormProblem p{x.dtype, x.shape[0] * num_groups, num_groups, channels / num_groups, 1, 1,
                     eps};
  for (int i = 2; i < x.shape.rank; ++i) p.positions *= x.shape[i];
  return p;
}

LayerNormProblem group_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 int64_t num_groups, const ArrayInfo* gamma, double eps) {
  check_gradient(function, dy, x);
  return group_norm(function, x, num_groups, gamma, nullptr, eps);
}

}  // namespace striate::spec
