#include "bindings/errors.h"
#include "bindings/packed_weights.h"
#include "bindings/register.h"
#include "core/fork.h"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  using namespace striate;

  module.doc() = "The compiled kernels of striate; use them through striate.ops.";
  bindings::register_errors();
  register_fork_handlers();

  bindings::register_settings(module);
  bindings::register_ceiling(module);
  bindings::register_activation(module);
  bindings::register_conv(module);
  bindings::register_packed_weights(module);
  bindings::register_explain(module);
  bindings::register_linear(module);
  bindings::register_dropout(module);
  bindings::register_loss(module);
  bindings::register_optimizer(module);
  bindings::register_random(module);
  bindings::register_reduce(module);
  bindings::register_pool(module);
  bindings::register_lp_pool(module);
  bindings::register_stochastic_pool(module);
  bindings::register_lrn(module);
  bindings::register_avg_pool(module);
  bindings::register_batch_norm(module);
  bindings::register_softmax(module);
  bindings::register_adaptive(module);
  bindings::register_weights(module);
  bindings::register_elementwise(module);
  bindings::register_shape(module);
  bindings::register_prelu(module);
  bindings::register_scale_channels(module);
  bindings::register_elementwise_loss(module);
  bindings::register_layer_norm(module);
  bindings::register_elementary(module);
}
