#include "core/spec/prelu.h"

#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

py::object prelu(py::object x_object, py::object weight_object) {
  constexpr const char* function = "prelu";
  Input x(function, "x", x_object), weight(function, "weight", weight_object);
  const PreluProblem problem = spec::prelu(function, x.info(), weight.info());
  const void *x_data = x.data(), *weight_data = weight.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().prelu->forward(problem, static_cast<const T*>(x_data),
                                static_cast<const T*>(weight_data), static_cast<T*>(y.data()),
                                context());
  });
  return y.release();
}

py::tuple prelu_grad(py::object dy_object, py::object x_object, py::object weight_object) {
  constexpr const char* function = "prelu_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object),
      weight(function, "weight", weight_object);
  const PreluProblem problem = spec::prelu_grad(function, dy.info(), x.info(), weight.info());
  const void *dy_data = dy.data(), *x_data = x.data(), *weight_data = weight.data();
  Output dx(x.dtype(), x.shape()), dweight(x.dtype(), weight.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().prelu->grad(problem, static_cast<const T*>(dy_data), static_cast<const T*>(x_data),
                             static_cast<const T*>(weight_data), static_cast<T*>(dx.data()),
                             static_cast<T*>(dweight.data()), context());
  });
  return py::make_tuple(dx.release(), dweight.release());
}

}  // namespace

void register_prelu(py::module_& module) {
  module.def("prelu", prelu);
  module.def("prelu_grad", prelu_grad);
}

}  // namespace striate::bindings
