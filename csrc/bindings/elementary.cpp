// exp, log and pow by themselves, for what measures their errors.
#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

// run(table, count, x, y)
template <class Run>
py::object each(const char* function, py::object object, const Run& run) {
  Input x(function, "x", object);
  const int64_t count = spec::element_count(function, "x", x.shape());
  const void* data = x.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().elementary, count, static_cast<const T*>(data), static_cast<T*>(y.data()));
  });
  return y.release();
}

py::object exp(py::object x) {
  return each("exp", x, [](const auto& table, int64_t count, const auto* from, auto* to) {
    table.exp(count, from, to, context());
  });
}

py::object log(py::object x) {
  return each("log", x, [](const auto& table, int64_t count, const auto* from, auto* to) {
    table.log(count, from, to, context());
  });
}

py::object pow(py::object x, py::object exponent) {
  const double p = parse_float("pow", "exponent", exponent);
  return each("pow", x, [=](const auto& table, int64_t count, const auto* from, auto* to) {
    table.pow(count, static_cast<std::decay_t<decltype(*to)>>(p), from, to, context());
  });
}

}  // namespace

void register_elementary(py::module_& module) {
  module.def("exp", exp);
  module.def("log", log);
  module.def("pow", pow);
}

}  // namespace striate::bindings
