#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/bias_grad.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::object bias_grad(py::object dy_object, py::object axis, py::object y_object) {
  static constexpr char function[] = "bias_grad";
  Input dy(function, "dy", dy_object);
  OptionalInput y(function, "y", y_object);
  const BiasGradProblem p =
      spec::bias_grad(function, dy.info(), parse_int(function, "axis", axis), y.info());
  const void *dy_data = dy.data(), *y_data = y.data();
  Output db(p.dtype, spec::make_shape(p.channels));
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().reduce->bias_grad(p, static_cast<const T*>(dy_data), static_cast<const T*>(y_data),
                                   static_cast<T*>(db.data()), context());
  });
  return db.release();
}

}  // namespace

void register_reduce(py::module_& module) { module.def("bias_grad", bias_grad); }

}  // namespace striate::bindings
