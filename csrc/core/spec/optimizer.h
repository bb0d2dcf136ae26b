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

namespace spec {

SgdOptions sgd(const char* function, double lr, double momentum, double dampening, bool nesterov,
               double weight_decay, double l1, const char* convention);

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
