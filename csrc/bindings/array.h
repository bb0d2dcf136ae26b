// Arrays in and out: the one place where a Python object becomes a pointer and a shape. array.cpp
// has it for NumPy's arrays, array_cuda.cpp for those of libraries on CUDA.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <vector>

#include "core/check.h"
#include "core/shape.h"

namespace striate::bindings {

namespace py = pybind11;

#if defined(STRIATE_CUDA_BACKEND)
using ArrayHandle = py::object;  // of any library, see python/striate/_backend
#else
using ArrayHandle = py::array;
#endif

// Whether an object is an array of the kind that this backend computes on.
bool is_array(py::handle object);

// A float32 or float64 array that is only read. Any strides, alignment and byte order are taken;
// data() makes a copy where the kernel could not read the array as it lies.
class Input {
 public:
  Input(const char* function, const char* name, py::handle object);

  const ArrayInfo& info() const { return info_; }
  const Shape& shape() const { return info_.shape; }
  DType dtype() const { return info_.dtype; }
  const void* data();

 private:
  ArrayHandle array_;
  ArrayInfo info_;
};

// The same for an argument that may be None.
class OptionalInput {
 public:
  OptionalInput(const char* function, const char* name, py::handle object) {
    if (!object.is_none()) input_.emplace(function, name, object);
  }
  const ArrayInfo* info() const { return input_ ? &input_->info() : nullptr; }
  const void* data() { return input_ ? input_->data() : nullptr; }

 private:
  std::optional<Input> input_;
};

// Labels or indices of any integer dtype, read as int64.
class IndexInput {
 public:
  IndexInput(const char* function, const char* name, py::handle object);

  const char* name() const { return name_; }
  const Shape& shape() const { return shape_; }
  const int64_t* data();
  // Whether they are int32 already: data32() then spares the cast that data() makes.
  bool is_int32() const;
  const int32_t* data32();

 private:
  const char* function_;
  const char* name_;
  ArrayHandle array_;
  Shape shape_;
};

// An array that a step updates where it lies: native, aligned, C-contiguous and writable.
class InOut {
 public:
  InOut(const char* function, const std::string& name, py::handle object);

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::string name_;
  ArrayHandle array_;
  DType dtype_;
  Shape shape_;
  void* data_;
  size_t bytes_;
};

enum class IndexType : uint8_t { i32, i64 };

// A new C-contiguous array: from the pool of buffers, where it returns with its last view, or from
// the library whose arrays the call was given.
class Output {
 public:
  Output(DType dtype, const Shape& shape);
  Output(IndexType type, const Shape& shape);
  void* data() const { return data_; }
  py::object release() { return std::move(array_); }

 private:
  py::object array_;
  void* data_;
};

// A number that a kernel computed: what NumberOutput gave, or any Python number.
class NumberInput {
 public:
  NumberInput(const char* function, const char* name, py::handle object);

  // One of the two is null.
  const double* known() const { return on_device_ == nullptr ? &value_ : nullptr; }
  const double* on_device() const { return on_device_; }

 private:
  double value_ = 0;
  const double* on_device_ = nullptr;
};

#if defined(STRIATE_CUDA_BACKEND)

// A single number that a kernel computes: a 0-d array, so that nothing waits for it.
class NumberOutput {
 public:
  explicit NumberOutput(DType dtype) : array_(dtype, Shape{}) {}
  template <class T>
  T* data() {
    return static_cast<T*>(array_.data());
  }
  py::object release() { return array_.release(); }

 private:
  Output array_;
};

#else

// A single number that a kernel computes: a Python float.
class NumberOutput {
 public:
  explicit NumberOutput(DType) {}
  template <class T>
  double* data() {
    return &value_;
  }
  py::object release() { return py::float_(value_); }

 private:
  double value_ = 0;
};

#endif

}  // namespace striate::bindings
