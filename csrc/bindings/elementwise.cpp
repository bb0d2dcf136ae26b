#include "core/spec/elementwise.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

py::object add(py::object a_object, py::object b_object, py::object activation) {
  constexpr const char* function = "add";
  Input a(function, "a", a_object), b(function, "b", b_object);
  const int64_t count = spec::arithmetic(function, a.info(), b.info());
  const bool relu = parse_activation(function, activation);
  const void *a_data = a.data(), *b_data = b.data();
  Output y(a.dtype(), a.shape());
  run_for(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().elementwise->add(count, static_cast<const T*>(a_data),
                                  static_cast<const T*>(b_data), relu, static_cast<T*>(y.data()),
                                  context());
  });
  return y.release();
}

py::object add_grad(py::object dy_object, py::object y_object) {
  constexpr const char* function = "add_grad";
  Input dy(function, "dy", dy_object);
  OptionalInput y(function, "y", y_object);
  const int64_t count = y.info() != nullptr ? spec::elementwise(function, dy.info(), *y.info())
                                            : spec::elementwise(function, dy.info());
  const void *dy_data = dy.data(), *y_data = y.data();
  Output dx(dy.dtype(), dy.shape());
  run_for(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = static_cast<const T*>(dy_data);
    T* to = static_cast<T*>(dx.data());
    if (y_data != nullptr)
      kernels<T>().activation->relu_grad(count, from, static_cast<const T*>(y_data), to, context());
    else
      kernels<T>().ceiling->copy(count, from, to, context());
  });
  return dx.release();
}

py::object mul(py::object a_object, py::object b_object) {
  constexpr const char* function = "mul";
  Input a(function, "a", a_object), b(function, "b", b_object);
  const int64_t count = spec::arithmetic(function, a.info(), b.info());
  const void *a_data = a.data(), *b_data = b.data();
  Output y(a.dtype(), a.shape());
  run_for(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().elementwise->mul(count, static_cast<const T*>(a_data),
                                  static_cast<const T*>(b_data), static_cast<T*>(y.data()),
                                  context());
  });
  return y.release();
}

py::tuple mul_grad(py::object dy_object, py::object a_object, py::object b_object) {
  constexpr const char* function = "mul_grad";
  Input dy(function, "dy", dy_object), a(function, "a", a_object), b(function, "b", b_object);
  const int64_t count = spec::arithmetic(function, a.info(), b.info());
  spec::elementwise(function, a.info(), dy.info());
  const void *dy_data = dy.data(), *a_data = a.data(), *b_data = b.data();
  Output da(a.dtype(), a.shape()), db(a.dtype(), a.shape());
  run_for(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().elementwise->mul_grad(count, static_cast<const T*>(dy_data),
                                       static_cast<const T*>(a_data), static_cast<const T*>(b_data),
                                       static_cast<T*>(da.data()), static_cast<T*>(db.data()),
                                       context());
  });
  return py::make_tuple(da.release(), db.release());
}

}  // namespace

void register_elementwise(py::module_& module) {
  module.def("add", add);
  module.def("add_grad", add_grad);
  module.def("mul", mul);
  module.def("mul_grad", mul_grad);
}

}  // namespace striate::bindings
