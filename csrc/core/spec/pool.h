// What a pooling is: its checked arguments and shapes.
#pragma once

#include "core/spec/window.h"

namespace striate {

struct PoolProblem {
  DType dtype;
  int64_t batch;
  int64_t channels;
  Window window;
  int rank;  // spatial axes that the user sees

  int64_t planes() const { return batch * channels; }
  // Whether an index into the input's plane needs 64 bits.
  bool wide_indices() const { return window.in_size() > INT32_MAX; }
  Shape y_shape() const;
};

struct PoolGradProblem {
  DType dtype;
  int64_t planes;
  int64_t in_size;   // elements of a plane of x
  int64_t out_size;  // of dy
};

struct AvgPoolProblem : PoolProblem {
  bool count_include_pad;
  bool adaptive;  // windows from floor(o * in / out) to ceil((o + 1) * in / out)
};

namespace spec {

PoolProblem max_pool(const char* function, int rank, const ArrayInfo& x, const WindowArgs& args);
PoolGradProblem max_pool_grad(const char* function, int rank, const ArrayInfo& dy,
                              const Shape& indices, const Shape& x_shape);
// The error for an index outside the plane, which only the kernel can find; `position` is its place
// in `indices`, counted in C order.
[[noreturn]] void bad_pool_index(const char* function, const Shape& indices, const Shape& x_shape,
                                 int64_t position, int64_t index);

AvgPoolProblem avg_pool(const char* function, int rank, const ArrayInfo& x, const WindowArgs& args,
                        bool count_include_pad);
AvgPoolProblem adaptive_avg_pool(const char* function, int rank, const ArrayInfo& x,
                                 const SpatialArg& output_size);
// `dy` belongs to the problem whose input has x_shape: dtype, shape and all.
void check_pool_grad(const char* function, const ArrayInfo& dy, const Shape& y_shape,
                     const Shape& x_shape);

}  // namespace spec
}  // namespace striate
