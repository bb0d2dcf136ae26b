#include "bindings/pool.h"

#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/pool.h"

namespace striate::bindings {
namespace {

spec::WindowArgs parse_dilated(const char* function, py::handle kernel_size, py::handle stride,
                               py::handle padding, py::handle dilation, py::handle ceil_mode) {
  spec::WindowArgs args = parse_window(function, kernel_size, stride, padding, ceil_mode);
  args.dilation = parse_spatial(function, "dilation", dilation);
  return args;
}

py::object max_pool(Input& x, const PoolProblem& problem) {
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().pool->max(problem, static_cast<const T*>(x_data), static_cast<T*>(y.data()),
                           context());
  });
  return y.release();
}

// Where the maxima are, in the narrowest integers that hold all places of a plane.
struct Indices {
  explicit Indices(const PoolProblem& problem)
      : wide(problem.wide_indices()),
        array(wide ? IndexType::i64 : IndexType::i32, problem.y_shape()) {}

  int32_t* narrow_data() const { return wide ? nullptr : static_cast<int32_t*>(array.data()); }
  int64_t* wide_data() const { return wide ? static_cast<int64_t*>(array.data()) : nullptr; }

  bool wide;
  Output array;
};

py::tuple max_pool_with_indices(Input& x, const PoolProblem& problem) {
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  Indices indices(problem);
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* kernel = kernels<T>().pool;
    const T* from = static_cast<const T*>(x_data);
    T* to = static_cast<T*>(y.data());
    if (indices.wide)
      kernel->max_indices64(problem, from, to, indices.wide_data(), context());
    else
      kernel->max_indices32(problem, from, to, indices.narrow_data(), context());
  });
  return py::make_tuple(y.release(), indices.array.release());
}

py::object adaptive_max_pool(Input& x, const AvgPoolProblem& problem) {
  if (problem.narrow()) return max_pool(x, problem);
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().adaptive_max_pool->max(problem, static_cast<const T*>(x_data),
                                        static_cast<T*>(y.data()), nullptr, nullptr, context());
  });
  return y.release();
}

py::tuple adaptive_max_pool_with_indices(Input& x, const AvgPoolProblem& problem) {
  if (problem.narrow()) return max_pool_with_indices(x, problem);
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  Indices indices(problem);
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().adaptive_max_pool->max(problem, static_cast<const T*>(x_data),
                                        static_cast<T*>(y.data()), indices.narrow_data(),
                                        indices.wide_data(), context());
  });
  return py::make_tuple(y.release(), indices.array.release());
}

py::object max_pool_grad(const char* function, int rank, const py::object& dy_object,
                         const py::object& indices_object, const py::object& x_shape_object) {
  Input dy(function, "dy", dy_object);
  IndexInput indices(function, "indices", indices_object);
  const Shape x_shape = parse_shape(function, "x_shape", x_shape_object);
  const PoolGradProblem problem =
      spec::max_pool_grad(function, rank, dy.info(), indices.shape(), x_shape);
  const void* dy_data = dy.data();
  const int32_t* narrow = indices.is_int32() ? indices.data32() : nullptr;
  const int64_t* wide = narrow == nullptr ? indices.data() : nullptr;
  Output dx(dy.dtype(), x_shape);
  int64_t bad = -1;
  run_for(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* kernel = kernels<T>().pool;
    const T* from = static_cast<const T*>(dy_data);
    T* to = static_cast<T*>(dx.data());
    bad = narrow != nullptr ? kernel->max_grad32(problem, from, narrow, to, context())
                            : kernel->max_grad64(problem, from, wide, to, context());
  });
  if (bad >= 0) {
    const int64_t index = narrow != nullptr ? narrow[bad] : wide[bad];
    spec::bad_pool_index(function, indices.shape(), x_shape, bad, index);
  }
  return dx.release();
}

// The names of a family's functions for one number of spatial axes.
struct Family {
  int rank;
  const char *forward, *with_indices, *grad;
};

constexpr Family kMax[] = {
    {1, "max_pool1d", "max_pool1d_with_indices", "max_pool1d_grad"},
    {2, "max_pool2d", "max_pool2d_with_indices", "max_pool2d_grad"},
    {3, "max_pool3d", "max_pool3d_with_indices", "max_pool3d_grad"},
};

constexpr Family kAdaptive[] = {
    {1, "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool1d_grad"},
    {2, "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices", "adaptive_max_pool2d_grad"},
    {3, "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "adaptive_max_pool3d_grad"},
};

void register_grad(py::module_& module, const Family& family) {
  module.def(family.grad, [rank = family.rank, function = family.grad](
                              py::object dy, py::object indices, py::object x_shape) {
    return max_pool_grad(function, rank, dy, indices, x_shape);
  });
}

void register_max(py::module_& module, const Family& family) {
  const int rank = family.rank;
  module.def(family.forward, [rank, function = family.forward](
                                 py::object x_object, py::object kernel_size, py::object stride,
                                 py::object padding, py::object dilation, py::object ceil_mode) {
    Input x(function, "x", x_object);
    return max_pool(x, spec::max_pool(function, rank, x.info(),
                                      parse_dilated(function, kernel_size, stride, padding,
                                                    dilation, ceil_mode)));
  });
  module.def(family.with_indices, [rank, function = family.with_indices](
                                      py::object x_object, py::object kernel_size,
                                      py::object stride, py::object padding, py::object dilation,
                                      py::object ceil_mode) {
    Input x(function, "x", x_object);
    return max_pool_with_indices(x, spec::max_pool(function, rank, x.info(),
                                                   parse_dilated(function, kernel_size, stride,
                                                                 padding, dilation, ceil_mode)));
  });
  register_grad(module, family);
}

void register_adaptive(py::module_& module, const Family& family) {
  const int rank = family.rank;
  module.def(family.forward,
             [rank, function = family.forward](py::object x_object, py::object output_size) {
               Input x(function, "x", x_object);
               return adaptive_max_pool(
                   x, spec::adaptive_pool(function, rank, x.info(),
                                          parse_spatial(function, "output_size", output_size)));
             });
  module.def(family.with_indices,
             [rank, function = family.with_indices](py::object x_object, py::object output_size) {
               Input x(function, "x", x_object);
               return adaptive_max_pool_with_indices(
                   x, spec::adaptive_pool(function, rank, x.info(),
                                          parse_spatial(function, "output_size", output_size)));
             });
  register_grad(module, family);
}

}  // namespace

void register_pool(py::module_& module) {
  for (const Family& family : kMax) register_max(module, family);
  for (const Family& family : kAdaptive) register_adaptive(module, family);
}

}  // namespace striate::bindings
