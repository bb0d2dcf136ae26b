// Our errors as Python exceptions.
#pragma once

#include <pybind11/pybind11.h>

#include "core/check.h"

namespace striate::bindings {

inline void register_errors() {
  pybind11::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const TypeError& e) {
      pybind11::set_error(PyExc_TypeError, e.what());
    } catch (const ValueError& e) {
      pybind11::set_error(PyExc_ValueError, e.what());
    }
  });
}

}  // namespace striate::bindings
