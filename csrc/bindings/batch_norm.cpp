#include "core/spec/batch_norm.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::object batch_norm(py::object x_object, py::object mean_object, py::object var_object,
                      py::object gamma_object, py::object beta_object, py::object eps,
                      py::object activation) {
  constexpr const char* function = "batch_norm";
  Input x(function, "x", x_object), mean(function, "mean", mean_object),
      var(function, "var", var_object);
  OptionalInput gamma(function, "gamma", gamma_object), beta(function, "beta", beta_object);
  const BatchNormProblem problem =
      spec::batch_norm(function, x.info(), mean.info(), var.info(), gamma.info(), beta.info(),
                       parse_float(function, "eps", eps));
  const bool relu = parse_activation(function, activation);
  const void *x_data = x.data(), *mean_data = mean.data(), *var_data = var.data();
  const void *gamma_data = gamma.data(), *beta_data = beta.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().batch_norm->inference(
        problem, static_cast<const T*>(x_data), static_cast<const T*>(mean_data),
        static_cast<const T*>(var_data), static_cast<const T*>(gamma_data),
        static_cast<const T*>(beta_data), relu, static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::tuple batch_norm_train(py::object x_object, py::object gamma_object, py::object beta_object,
                           py::object eps) {
  constexpr const char* function = "batch_norm_train";
  Input x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object), beta(function, "beta", beta_object);
  const BatchNormProblem problem = spec::batch_norm_train(
      function, x.info(), gamma.info(), beta.info(), parse_float(function, "eps", eps));
  const void *x_data = x.data(), *gamma_data = gamma.data(), *beta_data = beta.data();
  const Shape channels = spec::make_shape(problem.channels);
  Output y(x.dtype(), x.shape()), mean(x.dtype(), channels), var(x.dtype(), channels);
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().batch_norm->train(
        problem, static_cast<const T*>(x_data), static_cast<const T*>(gamma_data),
        static_cast<const T*>(beta_data), static_cast<T*>(y.data()), static_cast<T*>(mean.data()),
        static_cast<T*>(var.data()), context());
  });
  return py::make_tuple(y.release(), mean.release(), var.release());
}

py::tuple batch_norm_grad(py::object dy_object, py::object x_object, py::object gamma_object,
                          py::object mean_object, py::object var_object, py::object eps,
                          py::object frozen_object) {
  constexpr const char* function = "batch_norm_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  OptionalInput gamma(function, "gamma", gamma_object);
  Input mean(function, "mean", mean_object), var(function, "var", var_object);
  const bool frozen = parse_bool(function, "frozen", frozen_object);
  const BatchNormProblem problem =
      spec::batch_norm_grad(function, dy.info(), x.info(), gamma.info(), mean.info(), var.info(),
                            parse_float(function, "eps", eps), frozen);
  const void *dy_data = dy.data(), *x_data = x.data(), *gamma_data = gamma.data();
  const void *mean_data = mean.data(), *var_data = var.data();
  const Shape channels = spec::make_shape(problem.channels);
  Output dx(x.dtype(), x.shape()), dgamma(x.dtype(), channels), dbeta(x.dtype(), channels);
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().batch_norm->grad(
        problem, static_cast<const T*>(dy_data), static_cast<const T*>(x_data),
        static_cast<const T*>(gamma_data), static_cast<const T*>(mean_data),
        static_cast<const T*>(var_data), frozen, static_cast<T*>(dx.data()),
        static_cast<T*>(dgamma.data()), static_cast<T*>(dbeta.data()), context());
  });
  return py::make_tuple(dx.release(), dgamma.release(), dbeta.release());
}

}  // namespace

void register_batch_norm(py::module_& module) {
  module.def("batch_norm", batch_norm);
  module.def("batch_norm_train", batch_norm_train);
  module.def("batch_norm_grad", batch_norm_grad);
}

}  // namespace striate::bindings
