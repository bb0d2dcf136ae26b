// Losses: their checked arguments and shapes.
#pragma once

#include "core/shape.h"

namespace striate {

enum class Reduction : uint8_t { none, mean, sum };

// Logits are (batch, classes, positions), labels (batch, positions).
struct CrossEntropyProblem {
  DType dtype;
  int64_t batch;
  int64_t classes;
  int64_t positions;
  int64_t ignore_index;
  double label_smoothing;
  Reduction reduction;
};

namespace spec {

Reduction reduction(const char* function, const char* name);

CrossEntropyProblem softmax_cross_entropy(const char* function, const ArrayInfo& logits,
                                          const Shape& labels, const ArrayInfo* weight,
                                          int64_t ignore_index, double label_smoothing,
                                          const char* reduction);

// Log-probabilities in the place of logits; the same problem without smoothing.
CrossEntropyProblem nll_loss(const char* function, const ArrayInfo& log_probs, const Shape& labels,
                             const ArrayInfo* weight, int64_t ignore_index, const char* reduction);

// The number of elements of a prediction and of its target.
int64_t mse_loss(const char* function, const ArrayInfo& pred, const ArrayInfo& target);

// Every label must be a class or the problem's ignore_index.
void check_labels(const char* function, const CrossEntropyProblem& p, const Shape& shape,
                  const int64_t* labels);

}  // namespace spec
}  // namespace striate
