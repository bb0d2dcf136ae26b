#include <string>
#include <vector>

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/concat.h"
#include "core/spec/pad.h"

namespace striate::bindings {
namespace {

py::object concat(py::object arrays_object, py::object axis_object) {
  constexpr const char* function = "concat";
  if (!py::isinstance<py::list>(arrays_object) && !py::isinstance<py::tuple>(arrays_object))
    fail<TypeError>(function, "arrays must be a list or tuple of arrays. Got ",
                    Py_TYPE(arrays_object.ptr())->tp_name, ".");
  const auto given = py::reinterpret_borrow<py::sequence>(arrays_object);
  const size_t count = given.size();
  std::vector<std::string> names(count);
  std::vector<Input> inputs;
  std::vector<ArrayInfo> infos;
  for (size_t i = 0; i < count; ++i) {
    names[i] = "arrays[" + std::to_string(i) + "]";
    inputs.emplace_back(function, names[i].c_str(), given[i]);
    infos.push_back(inputs.back().info());
  }
  const int64_t axis = parse_int(function, "axis", axis_object);
  std::vector<int64_t> widths(count);
  const ConcatProblem p =
      spec::concat(function, infos.data(), static_cast<int64_t>(count), axis, widths.data());
  std::vector<const void*> data;
  for (Input& input : inputs) data.push_back(input.data());
  Output y(p.dtype, p.shape);
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<const T*> typed;
    for (const void* pointer : data) typed.push_back(static_cast<const T*>(pointer));
    kernels<T>().concat->forward(p, typed.data(), widths.data(), static_cast<T*>(y.data()),
                                 context());
  });
  return y.release();
}

py::tuple concat_grad(py::object dy_object, py::object sizes_object, py::object axis_object) {
  constexpr const char* function = "concat_grad";
  Input dy(function, "dy", dy_object);
  const std::vector<int64_t> sizes = parse_ints(function, "sizes", sizes_object);
  const int64_t axis = parse_int(function, "axis", axis_object);
  const auto count = static_cast<int64_t>(sizes.size());
  std::vector<int64_t> widths(sizes.size());
  const ConcatProblem p =
      spec::concat_grad(function, dy.info(), sizes.data(), count, axis, widths.data());
  const void* dy_data = dy.data();
  std::vector<Output> outputs;
  for (const int64_t size : sizes) {
    Shape shape = p.shape;
    shape.dim[p.axis] = size;
    outputs.emplace_back(p.dtype, shape);
  }
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T*> typed;
    for (const Output& output : outputs) typed.push_back(static_cast<T*>(output.data()));
    kernels<T>().concat->grad(p, static_cast<const T*>(dy_data), widths.data(), typed.data(),
                              context());
  });
  py::tuple result(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) result[i] = outputs[i].release();
  return result;
}

py::object pad(py::object x_object, py::object padding, py::object value_object) {
  constexpr const char* function = "pad";
  Input x(function, "x", x_object);
  const PadProblem p = spec::pad(function, x.info(), parse_padding(function, padding));
  const double value = parse_float(function, "value", value_object);
  const void* x_data = x.data();
  Output y(p.dtype, p.out_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().pad->forward(p, static_cast<const T*>(x_data), static_cast<T>(value),
                              static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::object pad_grad(py::object dy_object, py::object padding) {
  constexpr const char* function = "pad_grad";
  Input dy(function, "dy", dy_object);
  const PadProblem p = spec::pad_grad(function, dy.info(), parse_padding(function, padding));
  const void* dy_data = dy.data();
  Output dx(p.dtype, p.in_shape());
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().pad->grad(p, static_cast<const T*>(dy_data), static_cast<T*>(dx.data()),
                           context());
  });
  return dx.release();
}

}  // namespace

void register_shape(py::module_& module) {
  module.def("concat", concat);
  module.def("concat_grad", concat_grad);
  module.def("pad", pad);
  module.def("pad_grad", pad_grad);
}

}  // namespace striate::bindings
