#include "core/spec/dropout.h"

#include "core/spec/shapes.h"

namespace striate::spec {

void check_random_offset(const char* function, int64_t offset) {
  check(offset >= 0 && offset < int64_t{1} << 62, function,
        "offset must be in [0, 2^62). Got offset=", offset, ".");
}

DropoutProblem dropout(const char* function, const ArrayInfo& x, double p, uint64_t seed,
                       int64_t offset) {
  const int64_t count = element_count(function, x.name, x.shape);
  check(p >= 0 && p <= 1, function, "p must be in [0, 1]. Got p=", p, ".");
  check_random_offset(function, offset);
  return {count, p, seed, static_cast<uint64_t>(offset)};
}

}  // namespace striate::spec
