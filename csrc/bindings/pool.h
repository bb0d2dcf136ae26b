// What the poolings' bindings share.
#pragma once

#include "bindings/arguments.h"

namespace striate::bindings {

inline spec::WindowArgs parse_window(const char* function, py::handle kernel_size,
                                     py::handle stride, py::handle padding, py::handle ceil_mode) {
  spec::WindowArgs args;
  args.kernel = parse_spatial(function, "kernel_size", kernel_size);
  args.stride = parse_optional_spatial(function, "stride", stride);
  args.padding = parse_padding(function, padding);
  args.ceil_mode = parse_bool(function, "ceil_mode", ceil_mode);
  return args;
}

}  // namespace striate::bindings
