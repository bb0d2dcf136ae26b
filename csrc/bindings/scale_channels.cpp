#include "core/spec/scale_channels.h"

#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

py::object scale_channels(py::object x_object, py::object scale_object) {
  constexpr const char* function = "scale_channels";
  Input x(function, "x", x_object), scale(function, "scale", scale_object);
  const ScaleChannelsProblem problem = spec::scale_channels(function, x.info(), scale.info());
  const void *x_data = x.data(), *scale_data = scale.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().scale_channels->forward(problem, static_cast<const T*>(x_data),
                                         static_cast<const T*>(scale_data),
                                         static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::tuple scale_channels_grad(py::object dy_object, py::object x_object, py::object scale_object) {
  constexpr const char* function = "scale_channels_grad";
  Input dy(function, "dy", dy_object), x(function, "x", x_object),
      scale(function, "scale", scale_object);
  const ScaleChannelsProblem problem =
      spec::scale_channels_grad(function, dy.info(), x.info(), scale.info());
  const void *dy_data = dy.data(), *x_data = x.data(), *scale_data = scale.data();
  Output dx(x.dtype(), x.shape()), dscale(x.dtype(), scale.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().scale_channels->grad(problem, static_cast<const T*>(dy_data),
                                      static_cast<const T*>(x_data),
                                      static_cast<const T*>(scale_data), static_cast<T*>(dx.data()),
                                      static_cast<T*>(dscale.data()), context());
  });
  return py::make_tuple(dx.release(), dscale.release());
}

}  // namespace

void register_scale_channels(py::module_& module) {
  module.def("scale_channels", scale_channels);
  module.def("scale_channels_grad", scale_channels_grad);
}

}  // namespace striate::bindings
