// What a batch normalisation is: its checked arguments and shapes.
#pragma once

#include "core/shape.h"

namespace striate {

// x seen as (batch, channels, positions)
struct BatchNormProblem {
  DType dtype;
  int64_t batch;
  int64_t channels;
  int64_t positions;
  double eps;

  int64_t per_channel() const { return batch * positions; }
};

namespace spec {

// A null pointer stands for an argument that was not given.
BatchNormProblem batch_norm(const char* function, const ArrayInfo& x, const ArrayInfo& mean,
                            const ArrayInfo& var, const ArrayInfo* gamma, const ArrayInfo* beta,
                            double eps);
BatchNormProblem batch_norm_train(const char* function, const ArrayInfo& x, const ArrayInfo* gamma,
                                  const ArrayInfo* beta, double eps);
BatchNormProblem batch_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* gamma, const ArrayInfo& mean,
                                 const ArrayInfo& var, double eps, bool frozen);

}  // namespace spec
}  // namespace striate
