// What the binding sources need of the backend that they are compiled for.
#pragma once

#include "bindings/array.h"
#include "core/context.h"
#include "core/plan/conv.h"

#if defined(STRIATE_CUDA_BACKEND)
#include "cuda/conv/plan.h"
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

inline const char* kernel_set() { return cuda::kernels().isa; }

// The plan of the current options.
template <class T>
ConvPlan plan_for(ConvDirection direction, const ConvProblem& problem) {
  return cuda::plan_conv(direction, problem, plan_options());
}

// The library whose arrays this thread's coming call is given, with its device and its stream.
// Raises what a kernel of an earlier call has found wrong with its values.
void use(py::object adapter, int device, uintptr_t stream);
int current_device();
// Scratch buffers that no call has given back, for tests.
size_t scratch_held();

Context context();

// Labels lie on the device: the kernels check them.
inline void check_labels(const char*, const CrossEntropyProblem&, const Shape&, const int64_t*) {}

#else

template <class T>
const Kernels<T>& kernels() {
  return cpu::kernels().get<T>();
}

inline const char* kernel_set() { return cpu::kernels().isa; }

// The plan of the current instruction set and options.
template <class T>
ConvPlan plan_for(ConvDirection direction, const ConvProblem& problem) {
  const ConvTiles tiles{kernels<T>().conv->tile, kernels<T>().conv_weight_grad->tile};
  return plan_conv(direction, problem, tiles, plan_options());
}

inline Context context() { return Context{}; }

inline void check_labels(const char* function, const CrossEntropyProblem& p, const Shape& shape,
                         const int64_t* labels) {
  spec::check_labels(function, p, shape, labels);
}

#endif

}  // namespace striate::bindings
