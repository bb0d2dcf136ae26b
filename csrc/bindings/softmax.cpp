#include "core/spec/softmax.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

// run(table, problem, x, y)
template <class Run>
py::object forward(const char* function, py::handle x_object, py::handle axis, const Run& run) {
  Input x(function, "x", x_object);
  const SoftmaxProblem p = spec::softmax(function, x.info(), parse_int(function, "axis", axis));
  const void* x_data = x.data();
  Output y(p.dtype, x.shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().softmax, p, static_cast<const T*>(x_data), static_cast<T*>(y.data()));
  });
  return y.release();
}

// run(table, problem, dy, y, dx)
template <class Run>
py::object gradient(const char* function, py::handle dy_object, py::handle y_object,
                    py::handle axis, const Run& run) {
  Input dy(function, "dy", dy_object), y(function, "y", y_object);
  const SoftmaxProblem p =
      spec::softmax_grad(function, dy.info(), y.info(), parse_int(function, "axis", axis));
  const void *dy_data = dy.data(), *y_data = y.data();
  Output dx(p.dtype, dy.shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().softmax, p, static_cast<const T*>(dy_data), static_cast<const T*>(y_data),
        static_cast<T*>(dx.data()));
  });
  return dx.release();
}

py::object softmax(py::object x, py::object axis) {
  return forward("softmax", x, axis, [](const auto& table, const auto& p, auto from, auto to) {
    table.softmax(p, from, to, context());
  });
}

py::object log_softmax(py::object x, py::object axis) {
  return forward("log_softmax", x, axis, [](const auto& table, const auto& p, auto from, auto to) {
    table.log_softmax(p, from, to, context());
  });
}

py::object softmax_grad(py::object dy, py::object y, py::object axis) {
  return gradient("softmax_grad", dy, y, axis,
                  [](const auto& table, const auto& p, auto from, auto output, auto to) {
                    table.softmax_grad(p, from, output, to, context());
                  });
}

py::object log_softmax_grad(py::object dy, py::object y, py::object axis) {
  return gradient("log_softmax_grad", dy, y, axis,
                  [](const auto& table, const auto& p, auto from, auto output, auto to) {
                    table.log_softmax_grad(p, from, output, to, context());
                  });
}

}  // namespace

void register_softmax(py::module_& module) {
  module.def("softmax", softmax);
  module.def("softmax_grad", softmax_grad);
  module.def("log_softmax", log_softmax);
  module.def("log_softmax_grad", log_softmax_grad);
}

}  // namespace striate::bindings
