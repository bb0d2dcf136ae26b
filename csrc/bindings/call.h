// Running kernels: on the CPU without the interpreter's lock, for the arrays' dtype.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include <utility>

#include "bindings/backend.h"
#include "core/shape.h"

#if defined(STRIATE_CUDA_BACKEND)
#include "cuda/device.h"
#endif

namespace striate::bindings {

// Takes the lock again. At interpreter exit CPython (before 3.14) ends a thread that asks for it by
// unwinding its stack; our frames hold Python objects and must not be unwound then, so the thread
// sleeps until the process is gone, as 3.14 does by itself.
inline void take_gil_back(PyThreadState* state) {
#if defined(__GLIBCXX__)
  try {
    PyEval_RestoreThread(state);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
#else
  PyEval_RestoreThread(state);
#endif
}

// Calls work() without the interpreter's lock; what it throws goes on with the lock held.
template <class Work>
void release_gil(const Work& work) {
  PyThreadState* state = PyEval_SaveThread();
  try {
    work();
  } catch (...) {
    take_gil_back(state);
    throw;
  }
  take_gil_back(state);
}

// Calls work(), which runs kernels. On CUDA the lock is kept: launches return at once, and scratch
// comes from allocators in Python.
template <class Work>
void run_kernels(const Work& work) {
#if defined(STRIATE_CUDA_BACKEND)
  const cuda::DeviceScope scope(current_device());
  work();
#else
  release_gil(work);
#endif
}

template <class T>
struct TypeTag {
  using type = T;
};

// Calls work(TypeTag<float or double>), which runs kernels.
template <class Work>
void run_for(DType dtype, const Work& work) {
  run_kernels([&] {
    if (dtype == DType::f32)
      work(TypeTag<float>{});
    else
      work(TypeTag<double>{});
  });
}

}  // namespace striate::bindings
