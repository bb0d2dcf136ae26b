// The table of kernels that one instruction set provides. The bindings call through it; nothing
// else of a kernel file is visible outside.
#pragma once

#include "core/context.h"
#include "core/shape.h"

namespace striate {

template <class T>
struct ActivationKernels {
  void (*relu)(int64_t count, const T* x, T* y, const Context&);
  void (*relu_grad)(int64_t count, const T* dy, const T* y, T* dx, const Context&);
};

template <class T>
struct Kernels {
  const ActivationKernels<T>* activation;
};

struct KernelTable {
  const char* isa;
  Kernels<float> f32;
  Kernels<double> f64;

  template <class T>
  const Kernels<T>& get() const;
};
template <>
inline const Kernels<float>& KernelTable::get<float>() const {
  return f32;
}
template <>
inline const Kernels<double>& KernelTable::get<double>() const {
  return f64;
}

}  // namespace striate

#if defined(STRIATE_ISA)
// What each family's kernel file defines, for table.kernel.cpp to gather.
namespace striate::cpu::STRIATE_ISA {
extern const ActivationKernels<float> activation_f32;
extern const ActivationKernels<double> activation_f64;
extern const KernelTable table;
}  // namespace striate::cpu::STRIATE_ISA
#endif
