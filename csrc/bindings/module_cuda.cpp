// The CUDA twin of module.cpp: the same bindings, of the families that have CUDA kernels.
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/errors.h"
#include "bindings/register.h"
#include "cuda/device.h"
#include "cuda/error.h"
#include "cuda/value_error.h"

// The module's name differs where the kernels are compiled for the host.
PYBIND11_MODULE(STRIATE_CUDA_MODULE, module, pybind11::mod_gil_not_used()) {
  namespace py = pybind11;
  using namespace striate;

  module.doc() = "The CUDA kernels of striate; use them through striate.ops.";
  bindings::register_errors();
  py::register_local_exception<cuda::CudaError>(module, "CudaError", PyExc_RuntimeError);
  module.def("require_device", cuda::require_device);
  module.def("require_code", cuda::require_code);
  module.def("use", bindings::use);
  module.def("scratch_held", bindings::scratch_held);
  module.def("synchronize", [] {
    {
      const cuda::DeviceScope scope(bindings::current_device());
      const auto stream = static_cast<cudaStream_t>(bindings::context().stream);
      bindings::release_gil([&] { cuda::check(cudaStreamSynchronize(stream), "synchronize"); });
    }
    cuda::raise_value_error();
  });
  bindings::register_plan_options(module);
  bindings::register_activation(module);
  bindings::register_conv(module);
  bindings::register_explain(module);
  bindings::register_linear(module);
  bindings::register_elementwise(module);
  bindings::register_prelu(module);
  bindings::register_scale_channels(module);
  bindings::register_shape(module);
  bindings::register_reduce(module);
  bindings::register_dropout(module);
  bindings::register_softmax(module);
  bindings::register_loss(module);
  bindings::register_elementwise_loss(module);
  bindings::register_batch_norm(module);
  bindings::register_layer_norm(module);
  bindings::register_pool(module);
  bindings::register_avg_pool(module);
  bindings::register_lp_pool(module);
  bindings::register_stochastic_pool(module);
  bindings::register_lrn(module);
  bindings::register_weights(module);
  bindings::register_optimizer(module);
  bindings::register_adaptive(module);
}
