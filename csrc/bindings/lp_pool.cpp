#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/pool.h"
#include "bindings/register.h"
#include "core/spec/pool.h"

namespace striate::bindings {
namespace {

void forward(const LpPoolProblem& problem, const void* x, void* y) {
  run_for(problem.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().lp_pool->forward(problem, static_cast<const T*>(x), static_cast<T*>(y), context());
  });
}

// The names of the family's functions for one number of spatial axes.
struct Family {
  int rank;
  const char *forward, *grad;
};

constexpr Family kLp[] = {
    {1, "lp_pool1d", "lp_pool1d_grad"},
    {2, "lp_pool2d", "lp_pool2d_grad"},
    {3, "lp_pool3d", "lp_pool3d_grad"},
};

void register_family(py::module_& module, const Family& family) {
  module.def(family.forward, [&family](py::object x_object, py::object norm_type,
                                       py::object kernel_size, py::object stride,
                                       py::object padding, py::object ceil_mode) {
    Input x(family.forward, "x", x_object);
    const LpPoolProblem problem = spec::lp_pool(
        family.forward, family.rank, x.info(), parse_float(family.forward, "norm_type", norm_type),
        parse_window(family.forward, kernel_size, stride, padding, ceil_mode));
    const void* x_data = x.data();
    Output y(x.dtype(), problem.y_shape());
    forward(problem, x_data, y.data());
    return y.release();
  });
  module.def(family.grad, [&family](py::object dy_object, py::object x_object, py::object norm_type,
                                    py::object kernel_size, py::object stride, py::object padding,
                                    py::object ceil_mode, py::object y_object) {
    const char* const function = family.grad;
    Input dy(function, "dy", dy_object), x(function, "x", x_object);
    OptionalInput y(function, "y", y_object);
    const LpPoolProblem problem =
        spec::lp_pool_grad(function, family.rank, dy.info(), x.info(), y.info(),
                           parse_float(function, "norm_type", norm_type),
                           parse_window(function, kernel_size, stride, padding, ceil_mode));
    const void *dy_data = dy.data(), *x_data = x.data(), *y_data = y.data();
    std::optional<Output> again;
    if (y_data == nullptr) {
      again.emplace(x.dtype(), problem.y_shape());
      forward(problem, x_data, again->data());
      y_data = again->data();
    }
    Output dx(x.dtype(), x.shape());
    run_for(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernels<T>().lp_pool->grad(problem, static_cast<const T*>(dy_data),
                                 static_cast<const T*>(x_data), static_cast<const T*>(y_data),
                                 static_cast<T*>(dx.data()), context());
    });
    return dx.release();
  });
}

}  // namespace

void register_lp_pool(py::module_& module) {
  for (const Family& family : kLp) register_family(module, family);
}

}  // namespace striate::bindings
