#include "core/spec/linear.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::object linear(py::object x_object, py::object w_object, py::object b_object,
                  py::object activation) {
  static constexpr char function[] = "linear";
  Input x(function, "x", x_object), w(function, "w", w_object);
  OptionalInput b(function, "b", b_object);
  const LinearProblem p = spec::linear(function, x.info(), w.info(), b.info());
  const bool relu = parse_activation(function, activation);
  const void *x_data = x.data(), *w_data = w.data(), *b_data = b.data();
  Output y(p.dtype, p.y_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().linear->forward(p, static_cast<const T*>(x_data), static_cast<const T*>(w_data),
                                 static_cast<const T*>(b_data), relu, static_cast<T*>(y.data()),
                                 context());
  });
  return y.release();
}

py::object linear_input_grad(py::object dy_object, py::object w_object, py::object y_object) {
  static constexpr char function[] = "linear_input_grad";
  Input dy(function, "dy", dy_object), w(function, "w", w_object);
  OptionalInput y(function, "y", y_object);
  const LinearProblem p = spec::linear_input_grad(function, dy.info(), w.info(), y.info());
  const void *dy_data = dy.data(), *w_data = w.data(), *y_data = y.data();
  Output dx(p.dtype, p.x_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().linear->input_grad(p, static_cast<const T*>(dy_data),
                                    static_cast<const T*>(w_data), static_cast<const T*>(y_data),
                                    static_cast<T*>(dx.data()), context());
  });
  return dx.release();
}

py::object linear_weight_grad(py::object dy_object, py::object x_object, py::object y_object) {
  static constexpr char function[] = "linear_weight_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  OptionalInput y(function, "y", y_object);
  const LinearProblem p = spec::linear_weight_grad(function, dy.info(), x.info(), y.info());
  const void *dy_data = dy.data(), *x_data = x.data(), *y_data = y.data();
  Output dw(p.dtype, spec::make_shape(p.out_features, p.in_features));
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().linear->weight_grad(p, static_cast<const T*>(dy_data),
                                     static_cast<const T*>(x_data), static_cast<const T*>(y_data),
                                     static_cast<T*>(dw.data()), context());
  });
  return dw.release();
}

}  // namespace

void register_linear(py::module_& module) {
  module.def("linear", linear);
  module.def("linear_input_grad", linear_input_grad);
  module.def("linear_weight_grad", linear_weight_grad);
}

}  // namespace striate::bindings
