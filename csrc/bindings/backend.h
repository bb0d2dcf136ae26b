// What the binding sources need of the backend that they are compiled for.
#pragma once

#include "core/context.h"
#include "cpu/dispatch.h"

namespace striate::bindings {

template <class T>
const Kernels<T>& kernels() {
  return cpu::kernels().get<T>();
}

inline Context context() { return Context{}; }

}  // namespace striate::bindings
