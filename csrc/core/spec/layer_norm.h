// Layer and group normalisation: each slice of an array by its own mean and variance.
#pragma once

#include <vector>

#include "core/shape.h"

namespace striate {

// x seen as (rows, channels * positions, inner); a slice is along the middle axis. Slice r has the
// scales (r % groups) * channels on, each for `positions` elements. inner > 1 has one group and one
// position.
struct LayerNormProblem {
  DType dtype;
  int64_t rows;  // 0 where x is empty
  int64_t groups;
  int64_t channels;
  int64_t positions;
  int64_t inner;
  double eps;

  int64_t length() const { return channels * positions; }
  int64_t scales() const { return groups * channels; }
};

namespace spec {

// What a layer normalisation's scales look like: x's axes that are normalised.
Shape layer_norm_scales(const char* function, const ArrayInfo& x, const std::vector<int64_t>& axes);

// A null pointer stands for an argument that was not given.
LayerNormProblem layer_norm(const char* function, const ArrayInfo& x, const ArrayInfo* gamma,
                            const ArrayInfo* beta, const std::vector<int64_t>& axes, double eps);
LayerNormProblem layer_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* gamma, const std::vector<int64_t>& axes,
                                 double eps);
LayerNormProblem group_norm(const char* function, const ArrayInfo& x, int64_t num_groups,
                            const ArrayInfo* gamma, const ArrayInfo* beta, double eps);
LayerNormProblem group_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 int64_t num_groups, const ArrayInfo* gamma, double eps);

}  // namespace spec
}  // namespace striate
