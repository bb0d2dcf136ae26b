// From global to shared memory: asynchronously, or through registers where a mask applies.
#pragma once

#include "core/formula/activation.h"
#include "cuda/lane.h"

#if !defined(__CUDACC__)
#include "cuda/emulated/tensor_cores.h"
#endif

namespace striate::cuda {

template <class T, int kCount>
struct alignas(kCount * sizeof(T)) Elements {
  T at[kCount];
};

// kCount elements, or zeros; it is done when wait_for_copies and a barrier have passed.
template <int kCount, class T>
STRIATE_DEVICE void copy_async(T* shared, const T* global, bool keep) {
  constexpr int kBytes = kCount * static_cast<int>(sizeof(T));
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if defined(__CUDA_ARCH__)
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const int size = keep ? kBytes : 0;  // what is missing becomes zero
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(size)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global),
                 "n"(kBytes), "r"(size)
                 : "memory");
#elif !defined(__CUDACC__)
  emulated::copies().open.push_back({shared, keep ? global : nullptr, kBytes});
#endif
}

// The same of relu_grad(global, mask).
template <int kCount, class T>
STRIATE_DEVICE void copy_masked(T* shared, const T* global, const T* mask, bool keep) {
  Elements<T, kCount> value{};
  if (keep) {
    value = *reinterpret_cast<const Elements<T, kCount>*>(global);
    const Elements<T, kCount> y = *reinterpret_cast<const Elements<T, kCount>*>(mask);
    for (int i = 0; i < kCount; ++i) value.at[i] = formula::relu_grad(value.at[i], y.at[i]);
  }
  *reinterpret_cast<Elements<T, kCount>*>(shared) = value;
}

// Ends a group of copies; a group may be empty.
STRIATE_DEVICE void commit_copies() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif !defined(__CUDACC__)
  emulated::commit_copies();
#endif
}

// Waits until at most kPending of this thread's last groups are under way.
template <int kPending>
STRIATE_DEVICE void wait_for_copies() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#elif !defined(__CUDACC__)
  emulated::wait_for_copies(kPending);
#endif
}

}  // namespace striate::cuda
