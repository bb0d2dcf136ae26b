// Optimizer steps over lists of tensors.
#pragma once

#include <cstddef>

#include "core/shape.h"

namespace striate {

struct SgdOptions {
  double lr;
  double momentum;
  double dampening;
  bool nesterov;
  double weight_decay;
  double l1;
  bool caffe;
};

// A tensor of the step: what it reads and what it updates.
template <class T>
struct SgdTensor {
  int64_t count;
  T* param;
  const T* grad;
  T* velocity;  // null without momentum
  bool first;
};

struct AdamOptions {
  double beta1;
  double beta2;
  double eps;
  double lr;
  double weight_decay;
  double l1;
  bool decoupled;
  bool amsgrad;
  bool keras;
};

// How a tensor's number of steps corrects the bias of its averages, which start at 0:
//   w -= rate * exp_avg / (root_scale * sqrt(exp_avg_sq) + eps)
struct AdamCorrection {
  double rate;
  double root_scale;
};

template <class T>
struct AdamTensor {
  int64_t count;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // null without amsgrad
  AdamCorrection correction;
};

// A gradient that is clipped.
template <class T>
struct GradTensor {
  int64_t count;
  T* grad;
};

namespace spec {

SgdOptions sgd(const char* function, double lr, double momentum, double dampening, bool nesterov,
               double weight_decay, double l1, const char* convention);

AdamOptions adam(const char* function, double lr, double beta1, double beta2, double eps,
                 double weight_decay, double l1, bool decoupled, bool amsgrad,
                 const char* convention);
AdamCorrection adam_correction(const char* function, const AdamOptions& options, int64_t step);

void clip_norm(const char* function, double max_norm);
// What the gradients of this norm are multiplied by: 1 where they need no change. A norm that is
// not finite is an error if asked for.
double clip_factor(const char* function, double norm, double max_norm, bool error_if_nonfinite);

// A stretch of memory that a step reads or writes.
struct ByteRange {
  const char* name;
  const void* start;
  size_t bytes;
  bool written;
};

// No written range may meet any other. Sorts `ranges`.
void check_no_overlap(const char* function, ByteRange* ranges, size_t count);

}  // namespace spec
}  // namespace striate
