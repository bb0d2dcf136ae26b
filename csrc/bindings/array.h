// NumPy arrays in and out: the one place where a Python object becomes a pointer and a shape.
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
using ArrayHandle = py::object;  // anything with __cuda_array_interface__
#else
using ArrayHandle = py::array;
#endif

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
  py::array array_;
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
  const ArrayHandle& handle() const { return array_; }

 private:
  std::string name_;
  ArrayHandle array_;
  DType dtype_;
  Shape shape_;
  void* data_;
  size_t bytes_;
};

// A new C-contiguous array from the pool of buffers; it returns there with its last view.
class Output {
 public:
  Output(DType dtype, const Shape& shape);
  Output(const py::dtype& dtype, const Shape& shape);
  void* data() const { return data_; }
  py::array release() { return std::move(array_); }

 private:
  py::array array_;
  void* data_;
};

// A shape that the user gave as a sequence of ints.
Shape parse_shape(const char* function, const char* name, py::handle object);

}  // namespace striate::bindings
