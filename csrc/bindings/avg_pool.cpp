#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/pool.h"
#include "bindings/register.h"
#include "core/spec/pool.h"

namespace striate::bindings {
namespace {

py::object forward(Input& x, const AvgPoolProblem& problem) {
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().avg_pool->forward(problem, static_cast<const T*>(x_data),
                                   static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::object backward(const char* function, Input& dy, const Shape& x_shape,
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

// The names of a family's functions for one number of spatial axes.
struct Family {
  int rank;
  const char *forward, *grad;
};

constexpr Family kAverage[] = {
    {1, "avg_pool1d", "avg_pool1d_grad"},
    {2, "avg_pool2d", "avg_pool2d_grad"},
    {3, "avg_pool3d", "avg_pool3d_grad"},
};

constexpr Family kAdaptive[] = {
    {1, "adaptive_avg_pool1d", "adaptive_avg_pool1d_grad"},
    {2, "adaptive_avg_pool2d", "adaptive_avg_pool2d_grad"},
    {3, "adaptive_avg_pool3d", "adaptive_avg_pool3d_grad"},
};

void register_average(py::module_& module, const Family& family) {
  const int rank = family.rank;
  module.def(
      family.forward, [rank, function = family.forward](
                          py::object x_object, py::object kernel_size, py::object stride,
                          py::object padding, py::object ceil_mode, py::object count_include_pad) {
        Input x(function, "x", x_object);
        return forward(
            x, spec::avg_pool(function, rank, x.info(),
                              parse_window(function, kernel_size, stride, padding, ceil_mode),
                              parse_bool(function, "count_include_pad", count_include_pad)));
      });
  module.def(family.grad, [rank, function = family.grad](
                              py::object dy_object, py::object x_shape_object,
                              py::object kernel_size, py::object stride, py::object padding,
                              py::object ceil_mode, py::object count_include_pad) {
    Input dy(function, "dy", dy_object);
    const ArrayInfo x = {"x_shape", dy.dtype(), parse_shape(function, "x_shape", x_shape_object)};
    return backward(function, dy, x.shape,
                    spec::avg_pool(function, rank, x,
                                   parse_window(function, kernel_size, stride, padding, ceil_mode),
                                   parse_bool(function, "count_include_pad", count_include_pad)));
  });
}

void register_adaptive(py::module_& module, const Family& family) {
  const int rank = family.rank;
  module.def(family.forward, [rank, function = family.forward](py::object x_object,
                                                               py::object output_size) {
    Input x(function, "x", x_object);
    return forward(x, spec::adaptive_pool(function, rank, x.info(),
                                          parse_spatial(function, "output_size", output_size)));
  });
  module.def(family.grad, [rank, function = family.grad](py::object dy_object,
                                                         py::object x_shape_object,
                                                         py::object output_size) {
    Input dy(function, "dy", dy_object);
    const ArrayInfo x = {"x_shape", dy.dtype(), parse_shape(function, "x_shape", x_shape_object)};
    return backward(function, dy, x.shape,
                    spec::adaptive_pool(function, rank, x,
                                        parse_spatial(function, "output_size", output_size)));
  });
}

}  // namespace

void register_avg_pool(py::module_& module) {
  for (const Family& family : kAverage) register_average(module, family);
  for (const Family& family : kAdaptive) register_adaptive(module, family);
}

}  // namespace striate::bindings
