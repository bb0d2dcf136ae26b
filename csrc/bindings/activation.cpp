#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/elementwise.h"

namespace striate::bindings {
namespace {

py::array relu(py::object x_object) {
  Input x("relu", "x", x_object);
  const int64_t count = spec::elementwise("relu", x.info());
  const void* x_data = x.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().activation->relu(count, static_cast<const T*>(x_data), static_cast<T*>(y.data()),
                                  context());
  });
  return y.release();
}

py::array relu_grad(py::object dy_object, py::object y_object) {
  Input dy("relu_grad", "dy", dy_object);
  Input y("relu_grad", "y", y_object);
  const int64_t count = spec::elementwise("relu_grad", dy.info(), y.info());
  const void* dy_data = dy.data();
  const void* y_data = y.data();
  Output dx(dy.dtype(), dy.shape());
  run_for(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().activation->relu_grad(count, static_cast<const T*>(dy_data),
                                       static_cast<const T*>(y_data), static_cast<T*>(dx.data()),
                                       context());
  });
  return dx.release();
}

}  // namespace

void register_activation(py::module_& module) {
  module.def("relu", relu);
  module.def("relu_grad", relu_grad);
}

}  // namespace striate::bindings
