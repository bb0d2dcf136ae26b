#include "bindings/array.h"

#include <algorithm>
#include <string>

#include "bindings/arguments.h"
#include "core/memory.h"

namespace striate::bindings {
namespace {

Shape shape_of(const py::array& array) {
  Shape shape;
  shape.rank = static_cast<int>(array.ndim());
  for (int i = 0; i < shape.rank; ++i) shape.dim[i] = array.shape(i);
  return shape;
}

py::array as_array(const char* function, const std::string& name, py::handle object) {
  if (!py::isinstance<py::array>(object)) {
    fail<TypeError>(function, name, " must be a numpy.ndarray. Got ",
                    std::string(py::str(py::type::handle_of(object).attr("__name__"))), ".");
  }
  return py::reinterpret_borrow<py::array>(object);
}

DType float_dtype(const char* function, const std::string& name, const py::array& array) {
  const py::dtype dtype = array.dtype();
  if (dtype.kind() == 'f' && dtype.itemsize() == 4) return DType::f32;
  if (dtype.kind() == 'f' && dtype.itemsize() == 8) return DType::f64;
  fail<TypeError>(function, name, " must be float32 or float64. Got ", name,
                  ".dtype=", std::string(py::str(dtype)), ".");
}

template <class T>
py::array contiguous(const py::array& array) {
  constexpr int flags = py::array::c_style | py::array::forcecast |
                        py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                        py::detail::npy_api::NPY_ARRAY_ENSUREARRAY_;
  // Not py::array_t::ensure, which drops NumPy's error (there is no memory for the copy, say).
  py::object result = py::reinterpret_steal<py::object>(py::detail::npy_api::get().PyArray_FromAny_(
      array.ptr(), py::dtype::of<T>().release().ptr(), 0, 0, flags, nullptr));
  if (!result) throw py::error_already_set();
  return py::reinterpret_borrow<py::array>(result);
}

}  // namespace

bool is_array(py::handle object) { return py::isinstance<py::array>(object); }

Input::Input(const char* function, const char* name, py::handle object)
    : array_(as_array(function, name, object)),
      info_{name, float_dtype(function, name, array_), shape_of(array_)} {}

const void* Input::data() {
  array_ = info_.dtype == DType::f32 ? contiguous<float>(array_) : contiguous<double>(array_);
  return array_.data();
}

IndexInput::IndexInput(const char* function, const char* name, py::handle object)
    : function_(function),
      name_(name),
      array_(as_array(function, name, object)),
      shape_(shape_of(array_)) {
  const char kind = array_.dtype().kind();
  if (kind != 'i' && kind != 'u') {
    fail<TypeError>(function, name, " must have an integer dtype. Got ", name,
                    ".dtype=", std::string(py::str(array_.dtype())), ".");
  }
}

const int64_t* IndexInput::data() {
  if (array_.dtype().kind() == 'u' && array_.dtype().itemsize() == 8 && array_.size() > 0) {
    // Beyond int64 a cast would wrap around to a number that may look valid.
    const py::array wide = contiguous<uint64_t>(array_);
    const uint64_t* first = static_cast<const uint64_t*>(wide.data());
    const uint64_t greatest = *std::max_element(first, first + wide.size());
    check(greatest <= static_cast<uint64_t>(INT64_MAX), function_, name_,
          " must be below 2^63. Got ", greatest, ".");
  }
  array_ = contiguous<int64_t>(array_);
  return static_cast<const int64_t*>(array_.data());
}

bool IndexInput::is_int32() const {
  return array_.dtype().kind() == 'i' && array_.dtype().itemsize() == 4;
}

const int32_t* IndexInput::data32() {
  array_ = contiguous<int32_t>(array_);
  return static_cast<const int32_t*>(array_.data());
}

InOut::InOut(const char* function, const std::string& name, py::handle object)
    : name_(name),
      array_(as_array(function, name, object)),
      dtype_(float_dtype(function, name, array_)),
      shape_(shape_of(array_)) {
  check(array_.writeable(), function, name, " must be writable. Got a read-only array.");
  const char order = array_.dtype().byteorder();
  const int flags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  check(order == '=' && (array_.flags() & flags) == flags, function, name,
        " is updated in place and must be C-contiguous, aligned and in native byte order. Got "
        "strides=",
        std::string(py::str(array_.attr("strides"))),
        ", dtype=", std::string(py::str(array_.dtype())), ".");
  data_ = array_.mutable_data();
  bytes_ = static_cast<size_t>(array_.nbytes());
}

namespace {

py::object pooled_array(const py::dtype& dtype, const Shape& shape, void** data) {
  size_t bytes = static_cast<size_t>(dtype.itemsize());
  for (int i = 0; i < shape.rank; ++i) bytes *= static_cast<size_t>(shape.dim[i]);
  *data = acquire_buffer(bytes);
  py::capsule owner(*data, [](void* buffer) { release_buffer(buffer); });
  return py::array(dtype, std::vector<py::ssize_t>(shape.dim, shape.dim + shape.rank), *data,
                   owner);
}

}  // namespace

Output::Output(DType dtype, const Shape& shape)
    : array_(pooled_array(dtype == DType::f32 ? py::dtype::of<float>() : py::dtype::of<double>(),
                          shape, &data_)) {}

Output::Output(IndexType type, const Shape& shape)
    : array_(
          pooled_array(type == IndexType::i32 ? py::dtype::of<int32_t>() : py::dtype::of<int64_t>(),
                       shape, &data_)) {}

NumberInput::NumberInput(const char* function, const char* name, py::handle object)
    : value_(parse_float(function, name, object)) {}

}  // namespace striate::bindings
