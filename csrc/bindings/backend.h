// What the binding sources need of the backend that they are compiled for.
#pragma once

#include "bindings/array.h"
#include "core/context.h"
#include "core/plan/conv.h"
#include "core/spec/loss.h"
#include "core/spec/optimizer.h"

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

// The plan of the current options. `masked`: of a gradient that is taken through a fused ReLU.
template <class T>
ConvPlan plan_for(ConvDirection direction, const ConvProblem& problem, bool masked = false) {
  return cuda::plan_conv(direction, problem, plan_options(), masked);
}

// The library whose arrays this thread's coming call is given, with its device and its stream.
// Raises what a kernel of an earlier call has found wrong with its values.
void use(py::object adapter, int device, uintptr_t stream);
int current_device();
// Scratch buffers that no call has given back, for tests.
size_t scratch_held();

Context context();

// These values lie on the device: the kernels check them.
inline void check_labels(const char*, const CrossEntropyProblem&, const Shape&, const int64_t*) {}
inline void check_norm(const char*, const double*) {}

#else

template <class T>
const Kernels<T>& kernels() {
  return cpu::kernels().get<T>();
}

inline const char* kernel_set() { return cpu::kernels().isa; }

// The plan of the current instruction set and options; masks take no memory.
template <class T>
ConvPlan plan_for(ConvDirection direction, const ConvProblem& problem, bool /*masked*/ = false) {
  const ConvTiles tiles{kernels<T>().conv->tile, kernels<T>().conv_weight_grad->tile};
  return plan_conv(direction, problem, tiles, plan_options());
}

inline Context context() { return Context{}; }

inline void check_labels(const char* function, const CrossEntropyProblem& p, const Shape& shape,
                         const int64_t* labels) {
  spec::check_labels(function, p, shape, labels);
}
inline void check_norm(const char* function, const double* norm) {
  spec::check_norm(function, *norm);
}

#endif

}  // namespace striate::bindings
