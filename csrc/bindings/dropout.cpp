#include "core/spec/dropout.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

py::object dropout(py::object x_object, py::object p, py::object seed, py::object offset) {
  static constexpr char function[] = "dropout";
  Input x(function, "x", x_object);
  const DropoutProblem problem =
      spec::dropout(function, x.info(), parse_float(function, "p", p),
                    parse_seed(function, "seed", seed), parse_int(function, "offset", offset));
  const void* x_data = x.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().dropout->forward(problem, static_cast<const T*>(x_data), static_cast<T*>(y.data()),
                                  context());
  });
  return y.release();
}

}  // namespace

void register_dropout(py::module_& module) { module.def("dropout", dropout); }

}  // namespace striate::bindings
