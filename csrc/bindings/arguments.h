// Python numbers and sequences as the plain structs that core/spec takes. Only types are checked
// here; every rule about values is in core/spec.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "core/spec/window.h"

namespace striate::bindings {

namespace py = pybind11;

int64_t parse_int(const char* function, const char* name, py::handle object);
double parse_float(const char* function, const char* name, py::handle object);
bool parse_bool(const char* function, const char* name, py::handle object);
uint64_t parse_seed(const char* function, const char* name, py::handle object);
std::string parse_text(const char* function, const char* name, py::handle object);
std::vector<int64_t> parse_ints(const char* function, const char* name, py::handle object);

// "float32" or "float64".
DType parse_dtype(const char* function, py::handle object);

// An int, or a sequence of ints.
std::vector<int64_t> parse_axes(const char* function, const char* name, py::handle object);

// None or "relu"; true for the latter.
bool parse_activation(const char* function, py::handle object);

// An int or a sequence of up to three.
SpatialArg parse_spatial(const char* function, const char* name, py::handle object);
// The same, where None stands for "not given".
SpatialArg parse_optional_spatial(const char* function, const char* name, py::handle object);
// An int, one int an axis, a (before, after) pair an axis, "same" or "valid".
PaddingArg parse_padding(const char* function, py::handle object);

// A shape that the user gave as a sequence of ints.
Shape parse_shape(const char* function, const char* name, py::handle object);

}  // namespace striate::bindings
