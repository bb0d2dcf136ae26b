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

// Rows of windows up to this size are narrow.
inline constexpr int64_t kNarrowPool = 8;

// Average pooling, and what else has its windows.
struct AvgPoolProblem : PoolProblem {
  bool count_include_pad;
  bool adaptive;  // windows from floor(o * in / out) to ceil((o + 1) * in / out)

  // Small windows of one size: lanes run along the outputs, else along a window.
  bool narrow() const { return !adaptive && window.kernel[kSpatial - 1] <= kNarrowPool; }
};

struct LpPoolProblem : AvgPoolProblem {
  double norm_type;
};

struct StochasticPoolProblem : PoolProblem {
  bool average;  // weighted by the probabilities, instead of a draw
  uint64_t seed;
  uint64_t offset;
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
// Windows of one size, where that is all, are those of avg_pool.
AvgPoolProblem adaptive_pool(const char* function, int rank, const ArrayInfo& x,
                             const SpatialArg& output_size);
LpPoolProblem lp_pool(const char* function, int rank, const ArrayInfo& x, double norm_type,
                      const WindowArgs& args);
// `y`, the forward's output, where that is given.
LpPoolProblem lp_pool_grad(const char* function, int rank, const ArrayInfo& dy, const ArrayInfo& x,
                           const ArrayInfo* y, double norm_type, const WindowArgs& args);
// No seed: the average.
StochasticPoolProblem stochastic_pool(const char* function, int rank, const ArrayInfo& x,
                                      const WindowArgs& args, const uint64_t* seed, int64_t offset);
StochasticPoolProblem stochastic_pool_grad(const char* function, int rank, const ArrayInfo& dy,
                                           const ArrayInfo& x, const WindowArgs& args,
                                           const uint64_t* seed, int64_t offset);
// `dy` belongs to the problem whose input has x_shape: dtype, shape and all.
void check_pool_grad(const char* function, const ArrayInfo& dy, const Shape& y_shape,
                     const Shape& x_shape);

}  // namespace spec
}  // namespace striate
