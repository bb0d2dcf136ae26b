#include "core/spec/pool.h"

#include <cmath>

#include "core/spec/dropout.h"
#include "core/spec/shapes.h"

namespace striate {

Shape PoolProblem::y_shape() const {
  Shape shape = spec::make_shape(batch, channels);
  for (int i = kSpatial - rank; i < kSpatial; ++i) shape.dim[shape.rank++] = window.out[i];
  return shape;
}

namespace spec {
namespace {

const char* plane_size(int rank) { return rank == 1 ? "L" : rank == 2 ? "H * W" : "D * H * W"; }

int64_t plane_elements(const Shape& shape) {
  int64_t count = 1;
  for (int i = 2; i < shape.rank; ++i) count *= shape.dim[i];
  return count;
}

// One window over the whole of its input is one long row.
void flatten_global(Window& w) {
  for (int i = 0; i < kSpatial; ++i)
    if (w.out[i] != 1 || w.kernel[i] != w.in[i] || w.pad[i] != 0) return;
  const int64_t size = w.in_size();
  for (int i = 0; i < kSpatial; ++i) w.in[i] = w.kernel[i] = w.stride[i] = 1;
  w.in[kSpatial - 1] = w.kernel[kSpatial - 1] = w.stride[kSpatial - 1] = size;
}

PoolProblem sliding_pool(const char* function, int rank, const ArrayInfo& x,
                         const WindowArgs& args) {
  check_rank(function, x, rank + 2, image_layout(rank));
  element_count(function, x.name, x.shape);
  PoolProblem p;
  p.dtype = x.dtype;
  p.batch = x.shape[0];
  p.channels = x.shape[1];
  p.rank = rank;
  p.window = resolve_window(function, rank, x.shape.dim + 2, args);
  element_count(function, "the result", p.y_shape());
  return p;
}

}  // namespace

PoolProblem max_pool(const char* function, int rank, const ArrayInfo& x, const WindowArgs& args) {
  return sliding_pool(function, rank, x, args);
}

AvgPoolProblem avg_pool(const char* function, int rank, const ArrayInfo& x, const WindowArgs& args,
                        bool count_include_pad) {
  AvgPoolProblem p{sliding_pool(function, rank, x, args), count_include_pad, false};
  flatten_global(p.window);
  return p;
}

LpPoolProblem lp_pool(const char* function, int rank, const ArrayInfo& x, double norm_type,
                      const WindowArgs& args) {
  check(norm_type > 0 && std::isfinite(norm_type), function,
        "norm_type must be positive and finite. Got norm_type=", norm_type, ".");
  return {avg_pool(function, rank, x, args, true), norm_type};
}

StochasticPoolProblem stochastic_pool(const char* function, int rank, const ArrayInfo& x,
                                      const WindowArgs& args, const uint64_t* seed,
                                      int64_t offset) {
  check_random_offset(function, offset);
  return {sliding_pool(function, rank, x, args), seed == nullptr, seed == nullptr ? 0 : *seed,
          static_cast<uint64_t>(offset)};
}

LpPoolProblem lp_pool_grad(const char* function, int rank, const ArrayInfo& dy, const ArrayInfo& x,
                           const ArrayInfo* y, double norm_type, const WindowArgs& args) {
  check_same_dtype(function, dy, x);
  const LpPoolProblem p = lp_pool(function, rank, x, norm_type, args);
  check_shape(function, dy, p.y_shape());
  if (y != nullptr) {
    check_same_dtype(function, dy, *y);
    check_shape(function, *y, p.y_shape());
  }
  return p;
}

StochasticPoolProblem stochastic_pool_grad(const char* function, int rank, const ArrayInfo& dy,
                                           const ArrayInfo& x, const WindowArgs& args,
                                           const uint64_t* seed, int64_t offset) {
  check_same_dtype(function, dy, x);
  const StochasticPoolProblem p = stochastic_pool(function, rank, x, args, seed, offset);
  check_shape(function, dy, p.y_shape());
  return p;
}

AvgPoolProblem adaptive_pool(const char* function, int rank, const ArrayInfo& x,
                             const SpatialArg& output_size) {
  check_rank(function, x, rank + 2, image_layout(rank));
  element_count(function, x.name, x.shape);
  WindowArgs args;
  args.kernel.count = rank;
  Shape out;
  bool even = true;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = x.shape[i + 2];
    check(output_size.count == kEveryAxis || output_size.count == rank, function,
          "output_size must be an int or have ", rank, " entries. Got ", output_size.count, ".");
    const int64_t wanted = output_size.value[output_size.count == kEveryAxis ? 0 : i];
    check(size > 0, function, x.name, " must have no empty spatial axis. Got shape ",
          to_string(x.shape), ".");
    check(wanted > 0, function, "output_size must be positive. Got output_size=", wanted, ".");
    out.dim[out.rank++] = wanted;
    even = even && size % wanted == 0;
    args.kernel.value[i] = size > wanted ? size / wanted : 1;
  }
  if (even) return avg_pool(function, rank, x, args, true);
  AvgPoolProblem p{sliding_pool(function, rank, x, args), true, true};
  for (int i = 0; i < rank; ++i) p.window.out[kSpatial - rank + i] = out[i];
  element_count(function, "the result", p.y_shape());
  return p;
}

void check_pool_grad(const char* function, const ArrayInfo& dy, const Shape& y_shape,
                     const Shape& x_shape) {
  check(dy.shape == y_shape, function, "dy must have the shape ", to_string(y_shape),
        " that x_shape gives. Got dy of shape ", to_string(dy.shape),
        ", x_shape=", to_string(x_shape), ".");
}

PoolGradProblem max_pool_grad(const char* function, int rank, const ArrayInfo& dy,
                              const Shape& indices, const Shape& x_shape) {
  check_rank(function, dy, rank + 2, image_layout(rank));
  check(indices == dy.shape, function, "indices must have dy's shape ", to_string(dy.shape),
        ". Got ", to_string(indices), ".");
  check(x_shape.rank == rank + 2, function, "x_shape must have ", rank + 2, " axes ",
        image_layout(rank), ". Got x_shape=", to_string(x_shape), ".");
  check(x_shape[0] == dy.shape[0] && x_shape[1] == dy.shape[1], function,
        "dy and x_shape must agree in N and C. Got dy of shape ", to_string(dy.shape),
        ", x_shape=", to_string(x_shape), ".");
  element_count(function, dy.name, dy.shape);
  element_count(function, "x_shape", x_shape);
  PoolGradProblem p;
  p.dtype = dy.dtype;
  p.out_size = plane_elements(dy.shape);
  p.in_size = plane_elements(x_shape);
  p.planes = x_shape[0] * x_shape[1];
  return p;
}

void bad_pool_index(const char* function, const Shape& indices, const Shape& x_shape,
                    int64_t position, int64_t index) {
  std::string place;
  for (int i = indices.rank - 1; i >= 0; --i) {
    place = std::to_string(position % indices[i]) + (place.empty() ? "" : ", ") + place;
    position /= indices[i];
  }
  fail(function, "indices must be in [-1, ", plane_size(indices.rank - 2), "). Got indices[", place,
       "]=", index, ", x_shape=", to_string(x_shape), ".");
}

}  // namespace spec
}  // namespace striate
