#include "bindings/conv.h"

#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

template <class T>
ConvAlgorithm choose(ConvDirection direction, const ConvProblem& problem) {
  return plan_for<T>(direction, problem).algorithm;
}

py::array conv2d(py::object x_object, py::object w_object, py::object b_object, py::object stride,
                 py::object padding, py::object dilation, py::object groups,
                 py::object activation) {
  static constexpr char function[] = "conv2d";
  Input x(function, "x", x_object), w(function, "w", w_object);
  OptionalInput b(function, "b", b_object);
  const ConvProblem p = spec::conv(function, 2, x.info(), w.info(), b.info(),
                                   parse_conv_args(function, stride, padding, dilation, groups));
  const bool relu = parse_activation(function, activation);
  const void *x_data = x.data(), *w_data = w.data(), *b_data = b.data();
  Output y(p.dtype, p.y_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv->forward(p, choose<T>(ConvDirection::forward, p),
                               static_cast<const T*>(x_data), static_cast<const T*>(w_data),
                               static_cast<const T*>(b_data), relu, static_cast<T*>(y.data()),
                               context());
  });
  return y.release();
}

py::array conv2d_input_grad(py::object dy_object, py::object w_object, py::object x_shape,
                            py::object stride, py::object padding, py::object dilation,
                            py::object groups, py::object y_object) {
  static constexpr char function[] = "conv2d_input_grad";
  Input dy(function, "dy", dy_object), w(function, "w", w_object);
  OptionalInput y(function, "y", y_object);
  const ConvProblem p = spec::conv_input_grad(
      function, 2, dy.info(), w.info(), parse_shape(function, "x_shape", x_shape), y.info(),
      parse_conv_args(function, stride, padding, dilation, groups));
  const void *dy_data = dy.data(), *w_data = w.data(), *y_data = y.data();
  Output dx(p.dtype, p.x_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv->input_grad(p, choose<T>(ConvDirection::input_grad, p),
                                  static_cast<const T*>(dy_data), static_cast<const T*>(w_data),
                                  static_cast<const T*>(y_data), static_cast<T*>(dx.data()),
                                  context());
  });
  return dx.release();
}

py::array conv2d_weight_grad(py::object dy_object, py::object x_object, py::object w_shape,
                             py::object stride, py::object padding, py::object dilation,
                             py::object groups, py::object y_object) {
  static constexpr char function[] = "conv2d_weight_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object);
  OptionalInput y(function, "y", y_object);
  const ConvProblem p = spec::conv_weight_grad(
      function, 2, dy.info(), x.info(), parse_shape(function, "w_shape", w_shape), y.info(),
      parse_conv_args(function, stride, padding, dilation, groups));
  const void *dy_data = dy.data(), *x_data = x.data(), *y_data = y.data();
  Output dw(p.dtype, p.w_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv_weight_grad->weight_grad(
        p, choose<T>(ConvDirection::weight_grad, p), static_cast<const T*>(dy_data),
        static_cast<const T*>(x_data), static_cast<const T*>(y_data), static_cast<T*>(dw.data()),
        context());
  });
  return dw.release();
}

}  // namespace

void register_conv(py::module_& module) {
  module.def("conv2d", conv2d);
  module.def("conv2d_input_grad", conv2d_input_grad);
  module.def("conv2d_weight_grad", conv2d_weight_grad);
}

}  // namespace striate::bindings
