// The CUDA twin of module.cpp: the same bindings, of the families that have CUDA kernels.
#include "bindings/errors.h"
#include "bindings/register.h"
#include "cuda/error.h"

PYBIND11_MODULE(_cuda, module, pybind11::mod_gil_not_used()) {
  namespace py = pybind11;
  using namespace striate;

  module.doc() = "The CUDA kernels of striate; use them through striate.ops.";
  bindings::register_errors();
  py::register_local_exception<cuda::CudaError>(module, "CudaError", PyExc_RuntimeError);
  module.def("require_device", cuda::require_device);
  bindings::register_optimizer(module);
}
