// One function per family of operations, called by module.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace striate::bindings {

void register_settings(pybind11::module_& module);
void register_activation(pybind11::module_& module);

}  // namespace striate::bindings
