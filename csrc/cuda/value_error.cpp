#include "cuda/value_error.h"

#include <cuda_runtime.h>

#include <cstring>

#include "core/check.h"
#include "cuda/error.h"

namespace striate::cuda {
namespace {

ValueFlag* flag = nullptr;

}  // namespace

ValueFlag* value_flag() {
  if (flag == nullptr) {
    void* memory = nullptr;
    check(cudaHostAlloc(&memory, sizeof(ValueFlag), cudaHostAllocPortable | cudaHostAllocMapped),
          "striate's error flag");
    std::memset(memory, 0, sizeof(ValueFlag));
    flag = static_cast<ValueFlag*>(memory);
  }
  return flag;
}

void raise_value_error() {
  if (flag == nullptr || *static_cast<volatile int*>(&flag->set) == 0) return;
  const ValueFlag found = *flag;
  flag->set = 0;
  flag->claimed = 0;
  switch (found.rule) {
    case ValueRule::label:
      fail(found.function, "labels must be in [0, C) or ignore_index. Got labels.flat[",
           found.position, "]=", found.value, ", C=", found.limit,
           " in an earlier call on CUDA, whose results are NaN.");
    case ValueRule::pool_index:
      fail(found.function, "indices must be in [-1, ", found.limit, "). Got indices.flat[",
           found.position, "]=", found.value, " in an earlier call on CUDA, which left it out.");
    case ValueRule::norm:
      fail(found.function,
           "the norm of the gradients must be finite. It was not in an earlier call on CUDA, which "
           "changed nothing.");
  }
}

}  // namespace striate::cuda
