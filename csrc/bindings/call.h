// Running a kernel: without the interpreter's lock, for the arrays' dtype.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include <utility>

#include "core/shape.h"

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
void without_gil(const Work& work) {
  PyThreadState* state = PyEval_SaveThread();
  try {
    work();
  } catch (...) {
    take_gil_back(state);
    throw;
  }
  take_gil_back(state);
}

template <class T>
struct TypeTag {
  using type = T;
};

// Calls work(TypeTag<float or double>) without the interpreter's lock.
template <class Work>
void run_for(DType dtype, const Work& work) {
  without_gil([&] {
    if (dtype == DType::f32)
      work(TypeTag<float>{});
    else
      work(TypeTag<double>{});
  });
}

}  // namespace striate::bindings
