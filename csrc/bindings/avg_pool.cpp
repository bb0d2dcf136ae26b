#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/pool.h"

namespace striate::bindings {
namespace {

spec::WindowArgs parse_window(const char* function, py::handle kernel_size, py::handle stride,
                              py::handle padding, py::handle ceil_mode) {
  spec::WindowArgs args;
  args.kernel = parse_spatial(function, "kernel_size", kernel_size);
  args.stride = parse_optional_spatial(function, "stride", stride);
  args.padding = parse_padding(function, padding);
  args.ceil_mode = parse_bool(function, "ceil_mode", ceil_mode);
  return args;
}

py::array forward(Input& x, const AvgPoolProblem& problem) {
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().avg_pool->forward(problem, static_cast<const T*>(x_data),
                                   static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::array backward(const char* function, Input& dy, const Shape& x_shape,
                   const AvgPoolProblem& problem) {
  spec::check_pool_grad(function, dy.info(), problem.y_shape(), x_shape);
  const void* dy_data = dy.data();
  Output dx(dy.dtype(), x_shape);
  run_for(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().avg_pool->grad(problem, static_cast<const T*>(dy_data), static_cast<T*>(dx.data()),
                                context());
  });
  return dx.release();
}

py::array avg_pool2d(py::object x_object, py::object kernel_size, py::object stride,
                     py::object padding, py::object ceil_mode, py::object count_include_pad) {
  constexpr const char* function = "avg_pool2d";
  Input x(function, "x", x_object);
  return forward(x, spec::avg_pool(function, 2, x.info(),
                                   parse_window(function, kernel_size, stride, padding, ceil_mode),
                                   parse_bool(function, "count_include_pad", count_include_pad)));
}

py::array avg_pool2d_grad(py::object dy_object, py::object x_shape_object, py::object kernel_size,
                          py::object stride, py::object padding, py::object ceil_mode,
                          py::object count_include_pad) {
  constexpr const char* function = "avg_pool2d_grad";
  Input dy(function, "dy", dy_object);
  const ArrayInfo x = {"x_shape", dy.dtype(), parse_shape(function, "x_shape", x_shape_object)};
  return backward(function, dy, x.shape,
                  spec::avg_pool(function, 2, x,
                                 parse_window(function, kernel_size, stride, padding, ceil_mode),
                                 parse_bool(function, "count_include_pad", count_include_pad)));
}

py::array adaptive_avg_pool2d(py::object x_object, py::object output_size) {
  constexpr const char* function = "adaptive_avg_pool2d";
  Input x(function, "x", x_object);
  return forward(x, spec::adaptive_avg_pool(function, 2, x.info(),
                                            parse_spatial(function, "output_size", output_size)));
}

py::array adaptive_avg_pool2d_grad(py::object dy_object, py::object x_shape_object,
                                   py::object output_size) {
  constexpr const char* function = "adaptive_avg_pool2d_grad";
  Input dy(function, "dy", dy_object);
  const ArrayInfo x = {"x_shape", dy.dtype(), parse_shape(function, "x_shape", x_shape_object)};
  return backward(
      function, dy, x.shape,
      spec::adaptive_avg_pool(function, 2, x, parse_spatial(function, "output_size", output_size)));
}

}  // namespace

void register_avg_pool(py::module_& module) {
  module.def("avg_pool2d", avg_pool2d);
  module.def("avg_pool2d_grad", avg_pool2d_grad);
  module.def("adaptive_avg_pool2d", adaptive_avg_pool2d);
  module.def("adaptive_avg_pool2d_grad", adaptive_avg_pool2d_grad);
}

}  // namespace striate::bindings
