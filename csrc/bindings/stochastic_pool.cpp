#include <optional>

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/pool.h"

namespace striate::bindings {
namespace {

struct Arguments {
  spec::WindowArgs window;
  std::optional<uint64_t> seed;  // none: the average
  int64_t offset;

  Arguments(const char* function, const py::object& kernel_size, const py::object& stride,
            const py::object& seed_object, const py::object& offset_object)
      : offset(parse_int(function, "offset", offset_object)) {
    window.kernel = parse_spatial(function, "kernel_size", kernel_size);
    window.stride = parse_optional_spatial(function, "stride", stride);
    if (!seed_object.is_none()) seed = parse_seed(function, "seed", seed_object);
  }
  const uint64_t* seed_pointer() const { return seed ? &*seed : nullptr; }
};

py::object stochastic_pool2d(py::object x_object, py::object kernel_size, py::object stride,
                             py::object seed, py::object offset) {
  static constexpr char function[] = "stochastic_pool2d";
  Input x(function, "x", x_object);
  const Arguments args(function, kernel_size, stride, seed, offset);
  const StochasticPoolProblem problem =
      spec::stochastic_pool(function, 2, x.info(), args.window, args.seed_pointer(), args.offset);
  const void* x_data = x.data();
  Output y(x.dtype(), problem.y_shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().stochastic_pool->forward(problem, static_cast<const T*>(x_data),
                                          static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::object stochastic_pool2d_grad(py::object dy_object, py::object x_object, py::object kernel_size,
                                  py::object stride, py::object seed, py::object offset) {
  static constexpr char function[] = "stochastic_pool2d_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  const Arguments args(function, kernel_size, stride, seed, offset);
  const StochasticPoolProblem problem = spec::stochastic_pool_grad(
      function, 2, dy.info(), x.info(), args.window, args.seed_pointer(), args.offset);
  const void *dy_data = dy.data(), *x_data = x.data();
  Output dx(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().stochastic_pool->grad(problem, static_cast<const T*>(dy_data),
                                       static_cast<const T*>(x_data), static_cast<T*>(dx.data()),
                                       context());
  });
  return dx.release();
}

}  // namespace

void register_stochastic_pool(py::module_& module) {
  module.def("stochastic_pool2d", stochastic_pool2d);
  module.def("stochastic_pool2d_grad", stochastic_pool2d_grad);
}

}  // namespace striate::bindings
