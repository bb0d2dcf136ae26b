// Device arrays. What only their library knows (where they lie, its stream, its allocator) comes
// from its adapter in python/striate/_backend; nothing here names a library.
#include <string>
#include <utility>
#include <vector>

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "core/spec/shapes.h"
#include "cuda/copy/strided.h"
#include "cuda/device.h"
#include "cuda/value_error.h"

namespace striate::bindings {
namespace {

using cuda::ElementType;

// What the call of this thread works with. The adapters live as long as the interpreter, so that
// nothing is counted here.
struct Current {
  PyObject* library = nullptr;
  int device = 0;
  void* stream = nullptr;
};
thread_local Current current;

// Scratch of the running call, with the arrays that own it.
thread_local std::vector<std::pair<void*, py::object>> scratch;

py::handle library() {
  if (current.library == nullptr)
    throw std::logic_error("the CUDA module was called without the backend's select()");
  return current.library;
}

struct View {
  void* data;
  Shape shape;
  std::string type;  // NumPy's, "<f4"
  int64_t strides[kMaxRank];
  bool contiguous;
  bool read_only;

  bool swapped() const { return type[0] == '>'; }
  char kind() const { return type[1]; }
  size_t size() const { return static_cast<size_t>(type[2] - '0'); }
  bool aligned() const { return reinterpret_cast<uintptr_t>(data) % size() == 0; }
  bool plain() const { return contiguous && aligned() && !swapped(); }
};

View view(const char* function, const std::string& name, const py::object& array) {
  if (!is_array(array))
    fail<TypeError>(function, name, " must be an array. Got ", Py_TYPE(array.ptr())->tp_name, ".");
  const auto told = library().attr("view")(array).cast<py::tuple>();
  View v;
  v.data = reinterpret_cast<void*>(told[0].cast<uintptr_t>());
  v.shape = parse_shape(function, name.c_str(), told[1]);
  v.type = told[3].cast<std::string>();
  v.read_only = told[4].cast<bool>();
  v.contiguous = true;
  if (v.type.size() != 3) v.type = "|?0";  // no number, or one of more than 64 bits
  if (told[2].is_none()) return v;
  const auto strides = told[2].cast<py::tuple>();
  auto expected = static_cast<int64_t>(v.size());
  for (int i = v.shape.rank - 1; i >= 0; --i) {
    v.strides[i] = strides[static_cast<size_t>(i)].cast<int64_t>();
    if (v.shape[i] > 1 && v.strides[i] != expected) v.contiguous = false;
    expected *= v.shape[i];
  }
  for (int i = 0; i < v.shape.rank; ++i)
    if (v.shape[i] == 0) v.contiguous = true;
  return v;
}

std::string dtype_name(const py::object& array) {
  return std::string(py::str(array.attr("dtype")));
}

DType float_dtype(const char* function, const std::string& name, const View& v,
                  const py::object& array) {
  if (v.kind() == 'f' && v.size() == 4) return DType::f32;
  if (v.kind() == 'f' && v.size() == 8) return DType::f64;
  fail<TypeError>(function, name, " must be float32 or float64. Got ", name,
                  ".dtype=", dtype_name(array), ".");
}

ElementType element_type(const View& v) {
  const bool wide = v.size() == 8;
  if (v.kind() == 'f') return wide ? ElementType::f64 : ElementType::f32;
  const bool is_signed = v.kind() == 'i';
  switch (v.size()) {
    case 1:
      return is_signed ? ElementType::i8 : ElementType::u8;
    case 2:
      return is_signed ? ElementType::i16 : ElementType::u16;
    case 4:
      return is_signed ? ElementType::i32 : ElementType::u32;
    default:
      return is_signed ? ElementType::i64 : ElementType::u64;
  }
}

py::object new_array(const char* dtype, const Shape& shape, void** data) {
  py::tuple dims(shape.rank);
  for (int i = 0; i < shape.rank; ++i) dims[static_cast<size_t>(i)] = py::int_(shape[i]);
  auto made = library().attr("empty")(dims, dtype, current.device).cast<py::tuple>();
  *data = reinterpret_cast<void*>(made[1].cast<uintptr_t>());
  return made[0];
}

// The array's elements side by side, as `to` has them; copied only where they are not yet.
const void* read(const char* function, const std::string& name, py::object& array, ElementType to,
                 const char* to_name) {
  const View v = view(function, name, array);
  const ElementType from = element_type(v);
  if (v.plain() && from == to) return v.data;
  cuda::StridedArray strided;
  strided.data = v.data;
  strided.type = from;
  strided.swapped = v.swapped();
  strided.rank = v.shape.rank;
  strided.count = spec::element_count(function, name.c_str(), v.shape);
  auto step = static_cast<int64_t>(v.size());
  for (int i = v.shape.rank - 1; i >= 0; --i) {
    strided.shape[i] = v.shape[i];
    strided.strides[i] = v.contiguous ? step : v.strides[i];
    step *= v.shape[i];
  }
  void* data = nullptr;
  py::object copy = new_array(to_name, v.shape, &data);
  const cuda::DeviceScope scope(current.device);
  cuda::copy_strided(strided, to, data, context());
  array = std::move(copy);
  return data;
}

}  // namespace

bool is_array(py::handle object) { return library().attr("owns")(object).cast<bool>(); }

Input::Input(const char* function, const char* name, py::handle object)
    : array_(py::reinterpret_borrow<py::object>(object)) {
  const View v = view(function, name, array_);
  info_ = {name, float_dtype(function, name, v, array_), v.shape};
}

const void* Input::data() {
  return info_.dtype == DType::f32
             ? read("striate", info_.name, array_, ElementType::f32, "float32")
             : read("striate", info_.name, array_, ElementType::f64, "float64");
}

IndexInput::IndexInput(const char* function, const char* name, py::handle object)
    : function_(function), name_(name), array_(py::reinterpret_borrow<py::object>(object)) {
  const View v = view(function, name, array_);
  shape_ = v.shape;
  if (v.kind() != 'i' && v.kind() != 'u')
    fail<TypeError>(function, name, " must have an integer dtype. Got ", name,
                    ".dtype=", dtype_name(array_), ".");
}

const int64_t* IndexInput::data() {
  return static_cast<const int64_t*>(read(function_, name_, array_, ElementType::i64, "int64"));
}

bool IndexInput::is_int32() const {
  const View v = view(function_, name_, array_);
  return element_type(v) == ElementType::i32;
}

const int32_t* IndexInput::data32() {
  return static_cast<const int32_t*>(read(function_, name_, array_, ElementType::i32, "int32"));
}

InOut::InOut(const char* function, const std::string& name, py::handle object)
    : name_(name), array_(py::reinterpret_borrow<py::object>(object)) {
  const View v = view(function, name, array_);
  dtype_ = float_dtype(function, name, v, array_);
  check(!v.read_only, function, name, " must be writable. Got a read-only array.");
  check(v.plain(), function, name,
        " is updated in place and must be C-contiguous, aligned and in native byte order.");
  shape_ = v.shape;
  data_ = v.data;
  bytes_ = size_of(dtype_);
  for (int i = 0; i < shape_.rank; ++i) bytes_ *= static_cast<size_t>(shape_.dim[i]);
}

Output::Output(DType dtype, const Shape& shape)
    : array_(new_array(name_of(dtype), shape, &data_)) {}

Output::Output(IndexType type, const Shape& shape)
    : array_(new_array(type == IndexType::i32 ? "int32" : "int64", shape, &data_)) {}

NumberInput::NumberInput(const char* function, const char* name, py::handle object) {
  if (!is_array(object)) {
    value_ = parse_float(function, name, object);
    return;
  }
  const auto array = py::reinterpret_borrow<py::object>(object);
  const View v = view(function, name, array);
  if (element_type(v) != ElementType::f64 || v.shape.rank != 0 || !v.plain())
    fail<TypeError>(function, name, " must be a number or a 0-d float64 array. Got an array of ",
                    dtype_name(array), " and shape ", spec::to_string(v.shape), ".");
  on_device_ = static_cast<const double*>(v.data);
}

void use(py::object adapter, int device, uintptr_t stream) {
  current = {adapter.ptr(), device, reinterpret_cast<void*>(stream)};
  cuda::raise_value_error();
}

int current_device() { return current.device; }

size_t scratch_held() { return scratch.size(); }

Context context() {
  Context result;
  result.stream = current.stream;
  return result;
}

}  // namespace striate::bindings

namespace striate {

void* Context::allocate(size_t bytes) const {
  using namespace bindings;
  void* data = nullptr;
  Shape shape;
  shape.dim[shape.rank++] = static_cast<int64_t>((bytes + 7) / 8);
  py::object owner = new_array("float64", shape, &data);
  scratch.emplace_back(data, std::move(owner));
  return data;
}

void Context::deallocate(void* buffer) const noexcept {
  auto& held = bindings::scratch;
  for (size_t i = held.size(); i-- > 0;) {
    if (held[i].first != buffer) continue;
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

}  // namespace striate
