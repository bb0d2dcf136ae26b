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

// Logits are (batch, classes, positions), with one class where there are no weights by class.
struct BinaryCrossEntropyProblem {
  int64_t count;
  int64_t classes;
  int64_t positions;
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

// The number of elements of a prediction and of its target, for mse_loss and its relatives.
int64_t regression_loss(const char* function, const ArrayInfo& pred, const ArrayInfo& target);

void huber_loss(const char* function, double delta);

// weight, or a null pointer, has the logits' shape; pos_weight, or a null pointer, is (1,) or (C,).
BinaryCrossEntropyProblem binary_cross_entropy(const char* function, const ArrayInfo& logits,
                                               const ArrayInfo& target, const ArrayInfo* weight,
                                               const ArrayInfo* pos_weight, const char* reduction);

// Every label must be a class or the problem's ignore_index.
void check_labels(const char* function, const CrossEntropyProblem& p, const Shape& shape,
                  const int64_t* labels);

}  // namespace spec
}  // namespace striate
