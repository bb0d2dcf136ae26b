#pragma once

#include "core/shape.h"

namespace striate {

struct DropoutProblem {
  int64_t count;
  double p;
  uint64_t seed;
  uint64_t offset;

  // A word below it drops its element; 2^32 drops all.
  uint64_t threshold() const { return static_cast<uint64_t>(p * 4294967296.0); }
};

namespace spec {

// Where a call starts in the sequence of random numbers.
void check_random_offset(const char* function, int64_t offset);

DropoutProblem dropout(const char* function, const ArrayInfo& x, double p, uint64_t seed,
                       int64_t offset);

}  // namespace spec
}  // namespace striate
