// Device arrays of CuPy and PyTorch, through __cuda_array_interface__.
#include <string>

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"

namespace striate::bindings {
namespace {

struct View {
  DType dtype;
  Shape shape;
  void* data;
  bool read_only;
  bool contiguous;
};

std::string library_of(const py::object& array) {
  const auto name = py::type::handle_of(array).attr("__module__").cast<std::string>();
  return name.substr(0, name.find('.'));
}

View view(const char* function, const std::string& name, const py::object& array) {
  if (!py::hasattr(array, "__cuda_array_interface__")) {
    fail<TypeError>(function, name, " must be on the same device as the other arrays. Got a ",
                    py::type::handle_of(array).attr("__name__").cast<std::string>(),
                    " among CUDA arrays.");
  }
  // A PyTorch tensor that requires a gradient refuses the interface; its data does not.
  const py::object plain =
      library_of(array) == "torch" ? py::object(array.attr("detach")()) : array;
  const auto interface = plain.attr("__cuda_array_interface__").cast<py::dict>();
  View v;
  const auto type = interface["typestr"].cast<std::string>();
  if (type != "<f4" && type != "<f8")
    fail<TypeError>(function, name, " must be float32 or float64. Got ", name, ".dtype=", type,
                    ".");
  v.dtype = type == "<f4" ? DType::f32 : DType::f64;
  v.shape = parse_shape(function, name.c_str(), interface["shape"]);
  const auto data = interface["data"].cast<py::tuple>();
  v.data = reinterpret_cast<void*>(data[0].cast<uintptr_t>());
  v.read_only = data[1].cast<bool>();
  v.contiguous = true;
  if (interface.contains("strides") && !interface["strides"].is_none()) {
    const auto strides = interface["strides"].cast<py::tuple>();
    int64_t expected = static_cast<int64_t>(size_of(v.dtype));
    for (int i = v.shape.rank - 1; i >= 0; --i) {
      if (v.shape[i] != 1 && strides[i].cast<int64_t>() != expected) v.contiguous = false;
      expected *= v.shape[i];
    }
  }
  return v;
}

}  // namespace

Input::Input(const char* function, const char* name, py::handle object)
    : array_(py::reinterpret_borrow<py::object>(object)) {
  const View v = view(function, name, array_);
  info_ = {name, v.dtype, v.shape};
}

const void* Input::data() {
  if (!view("striate", info_.name, array_).contiguous) {
    array_ = library_of(array_) == "torch"
                 ? py::object(array_.attr("contiguous")())
                 : py::object(py::module_::import("cupy").attr("ascontiguousarray")(array_));
  }
  return view("striate", info_.name, array_).data;
}

InOut::InOut(const char* function, const std::string& name, py::handle object)
    : name_(name), array_(py::reinterpret_borrow<py::object>(object)) {
  const View v = view(function, name, array_);
  check(!v.read_only, function, name, " must be writable. Got a read-only array.");
  check(v.contiguous, function, name, " is updated in place and must be C-contiguous.");
  dtype_ = v.dtype;
  shape_ = v.shape;
  data_ = v.data;
  bytes_ = size_of(v.dtype);
  for (int i = 0; i < shape_.rank; ++i) bytes_ *= static_cast<size_t>(shape_.dim[i]);
}

Shape parse_shape(const char* function, const char* name, py::handle object) {
  Shape shape;
  for (const int64_t dim : parse_ints(function, name, object)) shape.dim[shape.rank++] = dim;
  return shape;
}

Context context(const InOut& array) {
  Context result;
  const std::string library = library_of(array.handle());
  const py::object stream =
      library == "torch"
          ? py::object(py::module_::import("torch").attr("cuda").attr("current_stream")().attr(
                "cuda_stream"))
          : py::object(
                py::module_::import("cupy").attr("cuda").attr("get_current_stream")().attr("ptr"));
  result.stream = reinterpret_cast<void*>(stream.cast<uintptr_t>());
  return result;
}

}  // namespace striate::bindings
