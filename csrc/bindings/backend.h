// What the binding sources need of the backend that they are compiled for.
#pragma once

#include "bindings/array.h"
#include "core/context.h"

#if defined(STRIATE_CUDA_BACKEND)
#include "cuda/kernels.h"
#else
#include "cpu/dispatch.h"
#endif

namespace striate::bindings {

#if defined(STRIATE_CUDA_BACKEND)

template <class T>
const Kernels<T>& kernels() {
  return cuda::kernels().get<T>();
}

// The stream on which the array's library works now.
Context context(const InOut& array);

#else

template <class T>
const Kernels<T>& kernels() {
  return cpu::kernels().get<T>();
}

inline Context context() { return Context{}; }
inline Context context(const InOut&) { return Context{}; }

#endif

}  // namespace striate::bindings
