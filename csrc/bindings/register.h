// One function per family of operations, called by module.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace striate::bindings {

void register_settings(pybind11::module_& module);
void register_plan_options(pybind11::module_& module);
void register_ceiling(pybind11::module_& module);
void register_activation(pybind11::module_& module);
void register_conv(pybind11::module_& module);
void register_explain(pybind11::module_& module);
void register_linear(pybind11::module_& module);
void register_dropout(pybind11::module_& module);
void register_loss(pybind11::module_& module);
void register_optimizer(pybind11::module_& module);
void register_random(pybind11::module_& module);
void register_reduce(pybind11::module_& module);
void register_pool(pybind11::module_& module);
void register_lp_pool(pybind11::module_& module);
void register_stochastic_pool(pybind11::module_& module);
void register_lrn(pybind11::module_& module);
void register_avg_pool(pybind11::module_& module);
void register_batch_norm(pybind11::module_& module);
void register_softmax(pybind11::module_& module);
void register_adaptive(pybind11::module_& module);
void register_weights(pybind11::module_& module);
void register_elementwise(pybind11::module_& module);
void register_shape(pybind11::module_& module);
void register_prelu(pybind11::module_& module);
void register_scale_channels(pybind11::module_& module);
void register_elementwise_loss(pybind11::module_& module);
void register_layer_norm(pybind11::module_& module);
void register_elementary(pybind11::module_& module);

}  // namespace striate::bindings
