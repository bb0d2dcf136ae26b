// Optimizer steps over lists of tensors.
#pragma once

#include <cstddef>

#include "core/shape.h"

namespace striate {

// L2 and L1; decoupled, the first bypasses the gradient: lr * weight_decay * w is taken off.
struct Penalty {
  double weight_decay;
  double l1;
  bool decoupled;
};

// The greatest norm of gradients whose own norm a kernel computes.
struct NormBound {
  const double* norm = nullptr;  // in the backend's memory; null for no bound
  double most = 0;
  bool strict = true;  // where the norm is not finite, nothing is changed, and that is an error
  const char* function = nullptr;
};

// What is done to a gradient before anything else: it is scaled, and then bounded.
struct Clip {
  double scale = 1;
  double limit = __builtin_inf();
  NormBound bound;
};

// What every step has of a tensor.
template <class T>
struct StepArrays {
  int64_t count;
  T* param;
  const T* grad;
  T* average;    // null where none is kept
  double share;  // of the new parameter in the average
};

struct SgdOptions {
  double lr;
  double momentum;
  double dampening;
  bool nesterov;
  Penalty penalty;
  bool caffe;
  Clip clip;
};

template <class T>
struct SgdTensor : StepArrays<T> {
  T* velocity;  // null without momentum
  bool first;
};

struct AdamOptions {
  double beta1;
  double beta2;
  double eps;
  double lr;
  Penalty penalty;
  bool amsgrad;
  bool keras;
  Clip clip;
};

// How a tensor's number of steps corrects the bias of its averages, which start at 0:
//   w -= rate * exp_avg / (root_scale * sqrt(exp_avg_sq) + eps)
struct AdamCorrection {
  double rate;
  double root_scale;
};

template <class T>
struct AdamTensor : StepArrays<T> {
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // null without amsgrad
  AdamCorrection correction;
};

struct AdagradOptions {
  double lr;
  double eps;
  Penalty penalty;
  bool keras;
  Clip clip;
};

template <class T>
struct AdagradTensor : StepArrays<T> {
  T* accumulator;
};

struct RmspropOptions {
  double lr;
  double alpha;
  double eps;
  double momentum;
  bool centered;
  Penalty penalty;
  bool keras;
  Clip clip;
};

template <class T>
struct RmspropTensor : StepArrays<T> {
  T* mean_square;
  T* mean_grad;  // null unless centered
  T* velocity;   // null without momentum
};

// A gradient that is clipped.
template <class T>
struct GradTensor {
  int64_t count;
  T* grad;
};

// A moving average of a parameter, and the parameter.
template <class T>
struct EmaTensor {
  int64_t count;
  T* average;
  const T* param;
};

// A parameter as rows, one for each index of its first axis.
template <class T>
struct RowTensor {
  int64_t rows;
  int64_t length;
  T* param;
};

namespace spec {

Penalty penalty(const char* function, double weight_decay, double l1, bool decoupled);

SgdOptions sgd(const char* function, double lr, double momentum, double dampening, bool nesterov,
               const Penalty& penalty, const char* convention);

AdamOptions adam(const char* function, double lr, double beta1, double beta2, double eps,
                 const Penalty& penalty, bool amsgrad, const char* convention);
AdamCorrection adam_correction(const char* function, const AdamOptions& options, int64_t step);

AdagradOptions adagrad(const char* function, double lr, double eps, const Penalty& penalty,
                       const char* convention);

RmspropOptions rmsprop(const char* function, double lr, double alpha, double eps, double momentum,
                       bool centered, const Penalty& penalty, const char* convention);

// Of bounds that are null where there are none. The norm is that of the gradients as they come:
// either grad_norm, or on_device, which only kernels can read.
Clip clip(const char* function, const double* clip_norm, const double* grad_norm,
          const double* on_device, const double* clip_value);

// In [0, 1].
void ema(const char* function, const char* name, double decay);

// At least 0.
void clip_limit(const char* function, const char* name, double limit);
// Finite.
void check_norm(const char* function, double norm);

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
