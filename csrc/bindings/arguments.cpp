#include "bindings/arguments.h"

#include <algorithm>

#include "core/check.h"

namespace striate::bindings {
namespace {

// For messages; an object that cannot be printed (an int of too many digits) is named by its type.
std::string text_of(py::handle object) {
  try {
    return std::string(py::repr(object));
  } catch (const py::error_already_set&) {
    return std::string("<") + Py_TYPE(object.ptr())->tp_name + ">";
  }
}

bool is_sequence(py::handle object) {
  return PySequence_Check(object.ptr()) != 0 && !PyUnicode_Check(object.ptr());
}

// NumPy's arrays have an __index__ too, which most of them refuse to give.
bool is_int(py::handle object) {
  return PyIndex_Check(object.ptr()) != 0 && !PyBool_Check(object.ptr()) && !is_sequence(object);
}

}  // namespace

int64_t parse_int(const char* function, const char* name, py::handle object) {
  if (!is_int(object))
    fail<TypeError>(function, name, " must be an int. Got ", name, "=", text_of(object), ".");
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  check(overflow == 0, function, name, " must fit 64 bits. Got ", name, "=", text_of(object), ".");
  return value;
}

double parse_float(const char* function, const char* name, py::handle object) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail<TypeError>(function, name, " must be a number. Got ", name, "=", text_of(object), ".");
  }
  return value;
}

bool parse_bool(const char* function, const char* name, py::handle object) {
  // Not whatever has a truth value: "False" has one.
  const bool known = PyBool_Check(object.ptr()) || is_int(object) ||
                     std::string(Py_TYPE(object.ptr())->tp_name).rfind("numpy.bool", 0) == 0;
  const int truth = known ? PyObject_IsTrue(object.ptr()) : -1;
  if (truth < 0) {
    PyErr_Clear();
    fail<TypeError>(function, name, " must be a bool. Got ", name, "=", text_of(object), ".");
  }
  return truth == 1;
}

uint64_t parse_seed(const char* function, const char* name, py::handle object) {
  if (!is_int(object))
    fail<TypeError>(function, name, " must be an int. Got ", name, "=", text_of(object), ".");
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!number) throw py::error_already_set();
  const unsigned long long value = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail(function, name, " must be in [0, 2^64). Got ", name, "=", text_of(object), ".");
  }
  return value;
}

std::string parse_text(const char* function, const char* name, py::handle object) {
  const char* text = PyUnicode_Check(object.ptr()) ? PyUnicode_AsUTF8(object.ptr()) : nullptr;
  if (text == nullptr) {
    PyErr_Clear();
    fail<TypeError>(function, name, " must be a str. Got ", name, "=", text_of(object), ".");
  }
  return text;
}

std::vector<int64_t> parse_ints(const char* function, const char* name, py::handle object) {
  if (!is_sequence(object))
    fail<TypeError>(function, name, " must be a sequence of ints. Got ", name, "=", text_of(object),
                    ".");
  if (PySequence_Size(object.ptr()) < 0) {
    PyErr_Clear();
    fail<TypeError>(function, name, " must be a sequence of ints. Got ", name, "=", text_of(object),
                    ".");
  }
  std::vector<int64_t> values;
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(object))
    values.push_back(parse_int(function, name, item));
  return values;
}

DType parse_dtype(const char* function, py::handle object) {
  const std::string name = parse_text(function, "dtype", object);
  check(name == "float32" || name == "float64", function,
        "dtype must be 'float32' or 'float64'. Got dtype='", name, "'.");
  return name == "float32" ? DType::f32 : DType::f64;
}

std::vector<int64_t> parse_axes(const char* function, const char* name, py::handle object) {
  if (is_int(object)) return {parse_int(function, name, object)};
  if (!is_sequence(object))
    fail<TypeError>(function, name, " must be an int or a tuple of ints. Got ", name, "=",
                    text_of(object), ".");
  return parse_ints(function, name, object);
}

bool parse_activation(const char* function, py::handle object) {
  if (object.is_none()) return false;
  const std::string name = parse_text(function, "activation", object);
  check(name == "relu", function,
        "activation must be None or 'relu'. Got activation=", text_of(object), ".");
  return true;
}

SpatialArg parse_spatial(const char* function, const char* name, py::handle object) {
  if (is_int(object)) return {kEveryAxis, {parse_int(function, name, object)}};
  if (!is_sequence(object))
    fail<TypeError>(function, name, " must be an int or a tuple of ints. Got ", name, "=",
                    text_of(object), ".");
  const std::vector<int64_t> values = parse_ints(function, name, object);
  check(!values.empty() && values.size() <= kSpatial, function, name,
        " must be an int or one int for each spatial axis. Got ", name, "=", text_of(object), ".");
  SpatialArg arg{static_cast<int>(values.size()), {}};
  std::copy(values.begin(), values.end(), arg.value);
  return arg;
}

SpatialArg parse_optional_spatial(const char* function, const char* name, py::handle object) {
  return object.is_none() ? SpatialArg{} : parse_spatial(function, name, object);
}

PaddingArg parse_padding(const char* function, py::handle object) {
  PaddingArg arg;
  if (PyUnicode_Check(object.ptr())) {
    const std::string text = parse_text(function, "padding", object);
    if (text == "same") arg.kind = PaddingArg::Kind::same;
    if (text == "valid") arg.kind = PaddingArg::Kind::valid;
    check(arg.kind != PaddingArg::Kind::numbers, function,
          "padding must be an int, one int or one ",
          "(before, after) pair for each spatial axis, 'same' or 'valid'. Got padding=",
          text_of(object), ".");
    return arg;
  }
  if (!is_sequence(object) || PySequence_Size(object.ptr()) <= 0 ||
      !is_sequence(py::reinterpret_borrow<py::sequence>(object)[0])) {
    const SpatialArg numbers = parse_spatial(function, "padding", object);
    arg.count = numbers.count;
    std::copy(numbers.value, numbers.value + kSpatial, arg.before);
    std::copy(numbers.value, numbers.value + kSpatial, arg.after);
    return arg;
  }
  const auto pairs = py::reinterpret_borrow<py::sequence>(object);
  check(pairs.size() <= kSpatial, function, "padding must have one (before, after) pair for each ",
        "spatial axis. Got padding=", text_of(object), ".");
  arg.count = 0;
  for (const py::handle item : pairs) {
    const std::vector<int64_t> pair = parse_ints(function, "padding", item);
    check(pair.size() == 2, function,
          "padding must have one (before, after) pair for each spatial axis. ",
          "Got padding=", text_of(object), ".");
    arg.before[arg.count] = pair[0];
    arg.after[arg.count] = pair[1];
    ++arg.count;
  }
  return arg;
}

Shape parse_shape(const char* function, const char* name, py::handle object) {
  Shape shape;
  const std::vector<int64_t> dims = parse_ints(function, name, object);
  check(dims.size() <= kMaxRank, function, name, " must have at most ", kMaxRank, " axes. Got ",
        dims.size(), ".");
  for (const int64_t dim : dims) {
    check(dim >= 0, function, name, " must have no negative axis. Got ", dim, ".");
    shape.dim[shape.rank++] = dim;
  }
  return shape;
}

}  // namespace striate::bindings
