// Cross-entropy between a label and the softmax of logits, of one sample:
//   loss = sum over c of q[c] (log(sum of e) - x[c] + max),  e[c] = exp(x[c] - max)
//   dx[c] = e[c] / (sum of e) * (sum of q) - q[c],  q[c] = w[c] (on * (c == label) + off)
#pragma once

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

struct CrossEntropy {
  double on;   // the label's share of the target
  double off;  // every class's
  double weight_sum;

  // The sum of q; `weight` is the label's.
  STRIATE_FORMULA double target_sum(double weight) const {
    return off == 0 ? on * weight : on * weight + off * weight_sum;
  }
  // `shifted` is x[label] - max; shifted_sum adds up w[c] (x[c] - max).
  STRIATE_FORMULA double loss(double weight, double log_sum, double shifted,
                              double shifted_sum) const {
    const double hit = on * weight * (log_sum - shifted);
    return off == 0 ? hit : hit + off * (weight_sum * log_sum - shifted_sum);
  }
};

}  // namespace
}  // namespace striate::formula
