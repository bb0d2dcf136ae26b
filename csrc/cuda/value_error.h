// Values that only a kernel can check. A launch returns before it runs, so the kernel leaves what
// it finds in memory that the host can read without waiting, and a later call raises it.
#pragma once

#include <cstdint>

namespace striate::cuda {

enum class ValueRule : int { label, pool_index, norm };

struct ValueFlag {
  int claimed;  // by the thread that writes the rest
  int set;
  ValueRule rule;
  const char* function;  // the host's; kernels hand it on
  int64_t position, value, limit;
};

// Where kernels report; made at the first call.
ValueFlag* value_flag();

// Throws a ValueError if a kernel has reported one, once.
void raise_value_error();

}  // namespace striate::cuda
