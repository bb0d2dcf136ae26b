#include "core/spec/layer_norm.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::object forward(const LayerNormProblem& problem, Input& x, OptionalInput& gamma,
                   OptionalInput& beta) {
  const void *x_data = x.data(), *gamma_data = gamma.data(), *beta_data = beta.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().layer_norm->forward(
        problem, static_cast<const T*>(x_data), static_cast<const T*>(gamma_data),
        static_cast<const T*>(beta_data), static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::tuple backward(const LayerNormProblem& problem, Input& dy, Input& x, OptionalInput& gamma,
                   const Shape& scales) {
  const void *dy_data = dy.data(), *x_data = x.data(), *gamma_data = gamma.data();
  Output dx(x.dtype(), x.shape()), dgamma(x.dtype(), scales), dbeta(x.dtype(), scales);
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().layer_norm->grad(problem, static_cast<const T*>(dy_data),
                                  static_cast<const T*>(x_data), static_cast<const T*>(gamma_data),
                                  static_cast<T*>(dx.data()), static_cast<T*>(dgamma.data()),
                                  static_cast<T*>(dbeta.data()), context());
  });
  return py::make_tuple(dx.release(), dgamma.release(), dbeta.release());
}

py::object layer_norm(py::object x_object, py::object gamma_object, py::object beta_object,
                      py::object axes, py::object eps) {
  constexpr const char* function = "layer_norm";
  Input x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object), beta(function, "beta", beta_object);
  const LayerNormProblem problem =
      spec::layer_norm(function, x.info(), gamma.info(), beta.info(),
                       parse_axes(function, "axes", axes), parse_float(function, "eps", eps));
  return forward(problem, x, gamma, beta);
}

py::tuple layer_norm_grad(py::object dy_object, py::object x_object, py::object gamma_object,
                          py::object axes_object, py::object eps) {
  constexpr const char* function = "layer_norm_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object);
  const std::vector<int64_t> axes = parse_axes(function, "axes", axes_object);
  const LayerNormProblem problem = spec::layer_norm_grad(
      function, dy.info(), x.info(), gamma.info(), axes, parse_float(function, "eps", eps));
  return backward(problem, dy, x, gamma, spec::layer_norm_scales(function, x.info(), axes));
}

py::object group_norm(py::object x_object, py::object num_groups, py::object gamma_object,
                      py::object beta_object, py::object eps) {
  constexpr const char* function = "group_norm";
  Input x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object), beta(function, "beta", beta_object);
  const LayerNormProblem problem =
      spec::group_norm(function, x.info(), parse_int(function, "num_groups", num_groups),
                       gamma.info(), beta.info(), parse_float(function, "eps", eps));
  return forward(problem, x, gamma, beta);
}

py::tuple group_norm_grad(py::object dy_object, py::object x_object, py::object num_groups,
                          py::object gamma_object, py::object eps) {
  constexpr const char* function = "group_norm_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object);
  const LayerNormProblem problem = spec::group_norm_grad(
      function, dy.info(), x.info(), parse_int(function, "num_groups", num_groups), gamma.info(),
      parse_float(function, "eps", eps));
  return backward(problem, dy, x, gamma, spec::make_shape(x.shape()[1]));
}

}  // namespace

void register_layer_norm(py::module_& module) {
  module.def("layer_norm", layer_norm);
  module.def("layer_norm_grad", layer_norm_grad);
  module.def("group_norm", group_norm);
  module.def("group_norm_grad", group_norm_grad);
}

}  // namespace striate::bindings
