#include "bindings/register.h"
#include "core/check.h"
#include "core/fork.h"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  namespace py = pybind11;
  using namespace striate;

  module.doc() = "The compiled kernels of striate; use them through striate.ops.";
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const TypeError& e) {
      py::set_error(PyExc_TypeError, e.what());
    } catch (const ValueError& e) {
      py::set_error(PyExc_ValueError, e.what());
    }
  });
  register_fork_handlers();

  bindings::register_settings(module);
  bindings::register_ceiling(module);
  bindings::register_activation(module);
  bindings::register_conv(module);
  bindings::register_linear(module);
  bindings::register_dropout(module);
  bindings::register_optimizer(module);
  bindings::register_random(module);
  bindings::register_reduce(module);
  bindings::register_pool(module);
  bindings::register_lrn(module);
  bindings::register_elementwise(module);
  bindings::register_shape(module);
}
