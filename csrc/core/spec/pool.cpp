#include "core/spec/pool.h"

#include "core/spec/shapes.h"

namespace striate {

Shape PoolProblem::y_shape() const {
  Shape shape = spec::make_shape(batch, channels);
  for (int i = kSpatial - rank; i < kSpatial; ++i) shape.dim[shape.rank++] = window.out[i];
  return shape;
}

namespace spec {
namespace {

const char* layout(int rank) {
  return rank == 1 ? "(N, C, L)" : rank == 2 ? "(N, C, H, W)" : "(N, C, D, H, W)";
}

const char* plane_size(int rank) { return rank == 1 ? "L" : rank == 2 ? "H * W" : "D * H * W"; }

// The elements of one plane, which may overflow where an empty batch leaves the array without any.
int64_t check_plane(const char* function, const char* what, const Shape& shape) {
  element_count(function, what, shape);
  Shape plane;
  for (int i = 2; i < shape.rank; ++i) plane.dim[plane.rank++] = shape.dim[i];
  return element_count(function, what, plane);
}

}  // namespace

PoolProblem max_pool(const char* function, int rank, const ArrayInfo& x, const WindowArgs& args) {
  check_rank(function, x, rank + 2, layout(rank));
  check_plane(function, x.name, x.shape);
  PoolProblem p;
  p.dtype = x.dtype;
  p.batch = x.shape[0];
  p.channels = x.shape[1];
  p.rank = rank;
  p.window = resolve_window(function, rank, x.shape.dim + 2, args);
  check_plane(function, "the result", p.y_shape());
  return p;
}

PoolGradProblem max_pool_grad(const char* function, int rank, const ArrayInfo& dy,
                              const Shape& indices, const Shape& x_shape) {
  check_rank(function, dy, rank + 2, layout(rank));
  check(indices == dy.shape, function, "indices must have dy's shape ", to_string(dy.shape),
        ". Got ", to_string(indices), ".");
  check(x_shape.rank == rank + 2, function, "x_shape must have ", rank + 2, " axes ", layout(rank),
        ". Got x_shape=", to_string(x_shape), ".");
  check(x_shape[0] == dy.shape[0] && x_shape[1] == dy.shape[1], function,
        "dy and x_shape must agree in N and C. Got dy of shape ", to_string(dy.shape),
        ", x_shape=", to_string(x_shape), ".");
  PoolGradProblem p;
  p.dtype = dy.dtype;
  p.out_size = check_plane(function, dy.name, dy.shape);
  p.in_size = check_plane(function, "x_shape", x_shape);
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
