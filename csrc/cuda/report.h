// What a kernel does about a value that must not be.
#pragma once

#include <cuda_runtime.h>

#include "cuda/value_error.h"

namespace striate::cuda {
namespace {

// The first one to come is kept.
__device__ inline void report(ValueFlag* flag, ValueRule rule, const char* function,
                              int64_t position, int64_t value, int64_t limit) {
  if (atomicCAS(&flag->claimed, 0, 1) != 0) return;
  flag->rule = rule;
  flag->function = function;
  flag->position = position;
  flag->value = value;
  flag->limit = limit;
  __threadfence_system();
  *static_cast<volatile int*>(&flag->set) = 1;
}

}  // namespace
}  // namespace striate::cuda
