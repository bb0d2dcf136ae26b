#include "bindings/tensor_lists.h"

#include "bindings/arguments.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::sequence as_list(const char* function, const char* name, py::handle object) {
  if (py::isinstance<py::array>(object) || PySequence_Check(object.ptr()) == 0) {
    fail<TypeError>(function, name, " must be a list of arrays. Got ",
                    std::string(py::str(py::type::handle_of(object).attr("__name__"))), ".");
  }
  return py::reinterpret_borrow<py::sequence>(object);
}

std::string item_name(const char* name, size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

}  // namespace

std::vector<InOut> parse_updated(const char* function, const char* name, py::handle object,
                                 bool skip_none) {
  std::vector<InOut> arrays;
  size_t index = 0;
  for (const py::handle item : as_list(function, name, object)) {
    if (!skip_none || !item.is_none()) arrays.emplace_back(function, item_name(name, index), item);
    ++index;
  }
  return arrays;
}

std::deque<Gradient> parse_gradients(const char* function, const char* name, py::handle object) {
  std::deque<Gradient> gradients;  // never moves its items
  for (const py::handle item : as_list(function, name, object)) {
    Gradient& gradient = gradients.emplace_back();
    gradient.name = item_name(name, gradients.size() - 1);
    if (!item.is_none()) gradient.input.emplace(function, gradient.name.c_str(), item);
  }
  return gradients;
}

std::vector<bool> parse_flags(const char* function, const char* name, py::handle object,
                              size_t count) {
  if (PySequence_Check(object.ptr()) == 0)
    return std::vector<bool>(count, parse_bool(function, name, object));
  std::vector<bool> flags;
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(object))
    flags.push_back(parse_bool(function, name, item));
  check_same_length(function, name, flags.size(), count);
  return flags;
}

std::vector<int64_t> parse_counts(const char* function, const char* name, py::handle object,
                                  size_t count) {
  if (PySequence_Check(object.ptr()) == 0)
    return std::vector<int64_t>(count, parse_int(function, name, object));
  const std::vector<int64_t> counts = parse_ints(function, name, object);
  check_same_length(function, name, counts.size(), count);
  return counts;
}

void check_same_length(const char* function, const char* name, size_t length, size_t expected) {
  check(length == expected, function, name, " must be as long as params. Got ", length,
        " items for ", expected, " params.");
}

void check_matches(const char* function, const InOut& param, const std::string& name, DType dtype,
                   const Shape& shape) {
  if (dtype != param.dtype()) {
    fail<TypeError>(function, name, " must have the dtype of ", param.name(), ". Got ",
                    name_of(dtype), " and ", name_of(param.dtype()), ".");
  }
  check(spec::operator==(shape, param.shape()), function, name, " must have the shape of ",
        param.name(), ". Got ", spec::to_string(shape), " and ", spec::to_string(param.shape()),
        ".");
}

}  // namespace striate::bindings
