#include "core/spec/pool.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

spec::WindowArgs parse_window(const char* function, py::handle kernel_size, py::handle stride,
                              py::handle padding, py::handle dilation, py::handle ceil_mode) {
  spec::WindowArgs args;
  args.kernel = parse_spatial(function, "kernel_size", kernel_size);
  args.stride = parse_optional_spatial(function, "stride", stride);
  args.padding = parse_padding(function, padding);
  args.dilation = parse_spatial(function, "dilation", dilation);
  args.ceil_mode = parse_bool(function, "ceil_mode", ceil_mode);
  return args;
}

py::array max_pool2d(py::object x_object, py::object kernel_size, py::object stride,
                     py::object padding, py::object dilation, py::object ceil_mode) {
  constexpr const char* function = "max_pool2d";
  Input x(function, "x", x_object);
  const PoolProblem problem =
      spec::max_pool(function, 2, x.info(),
                     parse_window(function, kernel_size, stride, padding, dilation, ceil_mode));
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().pool->max(problem, static_cast<const T*>(x_data), static_cast<T*>(y.data()),
                           context());
  });
  return y.release();
}

py::tuple max_pool2d_with_indices(py::object x_object, py::object kernel_size, py::object stride,
                                  py::object padding, py::object dilation, py::object ceil_mode) {
  constexpr const char* function = "max_pool2d_with_indices";
  Input x(function, "x", x_object);
  const PoolProblem problem =
      spec::max_pool(function, 2, x.info(),
                     parse_window(function, kernel_size, stride, padding, dilation, ceil_mode));
  const void* x_data = x.data();
  const bool wide = problem.wide_indices();
  Output y(x.dtype(), problem.y_shape());
  Output indices(wide ? py::dtype::of<int64_t>() : py::dtype::of<int32_t>(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* kernel = kernels<T>().pool;
    const T* from = static_cast<const T*>(x_data);
    T* to = static_cast<T*>(y.data());
    if (wide)
      kernel->max_indices64(problem, from, to, static_cast<int64_t*>(indices.data()), context());
    else
      kernel->max_indices32(problem, from, to, static_cast<int32_t*>(indices.data()), context());
  });
  return py::make_tuple(y.release(), indices.release());
}

py::array max_pool2d_grad(py::object dy_object, py::object indices_object,
                          py::object x_shape_object) {
  constexpr const char* function = "max_pool2d_grad";
  Input dy(function, "dy", dy_object);
  IndexInput indices(function, "indices", indices_object);
  const Shape x_shape = parse_shape(function, "x_shape", x_shape_object);
  const PoolGradProblem problem =
      spec::max_pool_grad(function, 2, dy.info(), indices.shape(), x_shape);
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

}  // namespace

void register_pool(py::module_& module) {
  module.def("max_pool2d", max_pool2d);
  module.def("max_pool2d_with_indices", max_pool2d_with_indices);
  module.def("max_pool2d_grad", max_pool2d_grad);
}

}  // namespace striate::bindings
