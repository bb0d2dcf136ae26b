#include "core/spec/loss.h"

#include <cmath>
#include <string>

#include "core/spec/elementwise.h"
#include "core/spec/shapes.h"

namespace striate::spec {
namespace {

// "labels[2, 5]" for the element at `flat` in C order.
std::string place(const Shape& shape, int64_t flat) {
  std::string text;
  for (int i = shape.rank - 1; i >= 0; --i) {
    text = std::to_string(flat % shape[i]) + (text.empty() ? "" : ", ") + text;
    flat /= shape[i];
  }
  return "labels[" + text + "]";
}

}  // namespace

Reduction reduction(const char* function, const char* name) {
  const std::string text = name;
  if (text == "none") return Reduction::none;
  if (text == "mean") return Reduction::mean;
  check(text == "sum", function, "reduction must be 'none', 'mean' or 'sum'. Got reduction='", text,
        "'.");
  return Reduction::sum;
}

CrossEntropyProblem softmax_cross_entropy(const char* function, const ArrayInfo& logits,
                                          const Shape& labels, const ArrayInfo* weight,
                                          int64_t ignore_index, double label_smoothing,
                                          const char* reduction_name) {
  check(logits.shape.rank >= 2, function, logits.name,
        " must have at least 2 axes (N, C, ...). Got shape ", to_string(logits.shape), ".");
  const bool empty = element_count(function, logits.name, logits.shape) == 0;
  Shape expected;
  for (int i = 0; i < logits.shape.rank; ++i)
    if (i != 1) expected.dim[expected.rank++] = logits.shape[i];
  check(labels == expected, function, "labels must have the ", logits.name,
        "' shape without its second axis, ", to_string(expected), ". Got ", to_string(labels), ".");
  element_count(function, "labels", labels);  // where C is 0, the logits' count says nothing
  const int64_t classes = logits.shape[1];
  if (weight != nullptr) {
    check_same_dtype(function, logits, *weight);
    check_shape(function, *weight, make_shape(classes));
  }
  check(label_smoothing >= 0 && label_smoothing <= 1, function,
        "label_smoothing must be in [0, 1]. Got label_smoothing=", label_smoothing, ".");

  CrossEntropyProblem p;
  p.dtype = logits.dtype;
  p.batch = logits.shape[0];
  p.classes = classes;
  p.positions = 1;
  for (int i = 2; i < logits.shape.rank && (!empty || classes == 0); ++i)
    p.positions *= logits.shape[i];
  if (empty && classes != 0) p.batch = 0;
  p.ignore_index = ignore_index;
  p.label_smoothing = label_smoothing;
  p.reduction = reduction(function, reduction_name);
  return p;
}

CrossEntropyProblem nll_loss(const char* function, const ArrayInfo& log_probs, const Shape& labels,
                             const ArrayInfo* weight, int64_t ignore_index, const char* reduction) {
  return softmax_cross_entropy(function, log_probs, labels, weight, ignore_index, 0, reduction);
}

int64_t regression_loss(const char* function, const ArrayInfo& pred, const ArrayInfo& target) {
  return arithmetic(function, pred, target);
}

void huber_loss(const char* function, double delta) {
  check(std::isfinite(delta) && delta > 0, function,
        "delta must be finite and greater than 0. Got delta=", delta, ".");
}

BinaryCrossEntropyProblem binary_cross_entropy(const char* function, const ArrayInfo& logits,
                                               const ArrayInfo& target, const ArrayInfo* weight,
                                               const ArrayInfo* pos_weight,
                                               const char* reduction_name) {
  BinaryCrossEntropyProblem p{arithmetic(function, logits, target), 1, 1,
                              reduction(function, reduction_name)};
  p.positions = p.count;
  if (weight != nullptr) arithmetic(function, logits, *weight);
  if (pos_weight == nullptr) return p;
  check_same_dtype(function, logits, *pos_weight);
  const Shape& shape = logits.shape;
  if (pos_weight->shape == make_shape(int64_t{1})) return p;
  check(shape.rank >= 2 && pos_weight->shape == make_shape(shape[1]), function,
        "pos_weight must be (1,), or (C,) for logits of shape (N, C, ...). Got pos_weight ",
        to_string(pos_weight->shape), ", logits ", to_string(shape), ".");
  p.classes = shape[1];
  p.positions = 1;
  for (int i = 2; i < shape.rank && p.count > 0; ++i) p.positions *= shape[i];
  return p;
}

void check_labels(const char* function, const CrossEntropyProblem& p, const Shape& shape,
                  const int64_t* labels) {
  const int64_t count = p.batch * p.positions;
  for (int64_t i = 0; i < count; ++i) {
    if ((labels[i] >= 0 && labels[i] < p.classes) || labels[i] == p.ignore_index) continue;
    fail(function, "labels must be in [0, C) or ignore_index. Got ", place(shape, i), "=",
         labels[i], ", C=", p.classes, ", ignore_index=", p.ignore_index, ".");
  }
}

}  // namespace striate::spec
