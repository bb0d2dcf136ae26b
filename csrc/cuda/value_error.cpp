#include "cuda/value_error.h"

#include <cuda_runtime.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "core/check.h"
#include "cuda/error.h"

namespace striate::cuda {
namespace {

std::atomic<ValueFlag*> made{nullptr};
std::mutex making;

}  // namespace

ValueFlag* value_flag() {
  ValueFlag* flag = made.load(std::memory_order_acquire);
  if (flag != nullptr) return flag;
  const std::lock_guard<std::mutex> lock(making);
  flag = made.load(std::memory_order_relaxed);
  if (flag == nullptr) {
    void* memory = nullptr;
    check(cudaHostAlloc(&memory, sizeof(ValueFlag), cudaHostAllocPortable | cudaHostAllocMapped),
          "striate's error flag");
    std::memset(memory, 0, sizeof(ValueFlag));
    flag = static_cast<ValueFlag*>(memory);
    made.store(flag, std::memory_order_release);
  }
  return flag;
}

void raise_value_error() {
  ValueFlag* const flag = made.load(std::memory_order_acquire);
  if (flag == nullptr || *static_cast<volatile int*>(&flag->set) == 0) return;
  std::atomic_thread_fence(std::memory_order_acquire);  // the rest was written before `set`
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
