// What a local response normalisation is: its checked arguments and shapes.
#pragma once

#include "core/shape.h"

namespace striate {

// y = x * t^-beta, t = k + a * (sum of x^2 over channels c - before to c + after), or, within a
// channel, over rows i - before to i + after and columns likewise.
struct LrnProblem {
  DType dtype;
  int64_t batch;
  int64_t channels;
  int64_t positions;  // of one channel
  int64_t rows;       // of a channel's plane, where the region is within it
  int64_t columns;
  bool within;
  int64_t before;
  int64_t after;
  double a;
  double beta;
  double k;
};

namespace spec {

struct LrnArgs {
  int64_t size;
  double alpha;
  double beta;
  double k;
  const char* region;
  const char* convention;
};

LrnProblem local_response_norm(const char* function, const ArrayInfo& x, const LrnArgs& args);
LrnProblem local_response_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                    const LrnArgs& args);

}  // namespace spec
}  // namespace striate
