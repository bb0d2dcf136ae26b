// What a call would do, without doing it: arrays may be given by their shapes.
#include <optional>
#include <string>

#include "bindings/conv.h"
#include "bindings/register.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

// Shapes alone may be of any size; in plans, sizes are multiplied by small numbers.
constexpr int64_t kMostElements = int64_t{1} << 48;

Shape checked(const char* function, const char* name, const Shape& shape) {
  const int64_t count = spec::element_count(function, name, shape);
  check(count <= kMostElements, function, name, " must have at most 2^48 elements. Got shape ",
        spec::to_string(shape), ".");
  return shape;
}

// An array, or its shape and `dtype`.
ArrayInfo array_or_shape(const char* function, const char* name, const py::object& object,
                         DType dtype) {
  ArrayInfo info{name, dtype, {}};
  if (py::isinstance<py::array>(object))
    info = Input(function, name, object).info();
  else
    info.shape = parse_shape(function, name, object);
  checked(function, name, info.shape);
  return info;
}

std::optional<ArrayInfo> optional_array_or_shape(const char* function, const char* name,
                                                 const py::object& object, DType dtype) {
  if (object.is_none()) return std::nullopt;
  return array_or_shape(function, name, object, dtype);
}

const ArrayInfo* pointer(const std::optional<ArrayInfo>& info) { return info ? &*info : nullptr; }

py::dict describe(const char* function, ConvDirection direction, const ConvProblem& p) {
  constexpr int64_t kMostTaps = int64_t{1} << 20;
  check(p.window.kernel_size() <= kMostTaps, function,
        "a kernel must have at most 2^20 taps. Got w's shape ", spec::to_string(p.w_shape()), ".");
  checked(function, "x", p.x_shape());
  checked(function, "the result", p.y_shape());
  const ConvPlan plan =
      p.dtype == DType::f32 ? plan_for<float>(direction, p) : plan_for<double>(direction, p);
  std::string why = plan.why;
  if (plan.refused != nullptr) {
    why += "; " + std::string(plan.refused) + " would need a workspace of " +
           std::to_string(plan.refused_workspace) + " bytes, above max_workspace";
  }
  py::dict d;
  d["dtype"] = name_of(p.dtype);
  d["algorithm"] = algorithm_name(plan.algorithm);
  d["why"] = why;
  d["workspace_bytes"] = plan.workspace;
  d["scratch_bytes"] = plan.scratch;
  d["flops"] = plan.flops;
  return d;
}

py::dict explain_conv2d(py::object x_object, py::object w_object, py::object b_object,
                        py::object stride, py::object padding, py::object dilation,
                        py::object groups, py::object activation, py::object dtype_object) {
  static constexpr char function[] = "conv2d";
  const DType dtype = parse_dtype(function, dtype_object);
  const ArrayInfo x = array_or_shape(function, "x", x_object, dtype);
  const ArrayInfo w = array_or_shape(function, "w", w_object, dtype);
  const auto b = optional_array_or_shape(function, "b", b_object, dtype);
  const ConvProblem p = spec::conv(function, 2, x, w, pointer(b),
                                   parse_conv_args(function, stride, padding, dilation, groups));
  parse_activation(function, activation);
  return describe(function, ConvDirection::forward, p);
}

py::dict explain_conv2d_input_grad(py::object dy_object, py::object w_object, py::object x_shape,
                                   py::object stride, py::object padding, py::object dilation,
                                   py::object groups, py::object y_object,
                                   py::object dtype_object) {
  static constexpr char function[] = "conv2d_input_grad";
  const DType dtype = parse_dtype(function, dtype_object);
  const ArrayInfo dy = array_or_shape(function, "dy", dy_object, dtype);
  const ArrayInfo w = array_or_shape(function, "w", w_object, dtype);
  const auto y = optional_array_or_shape(function, "y", y_object, dtype);
  const ConvProblem p = spec::conv_input_grad(
      function, 2, dy, w, parse_shape(function, "x_shape", x_shape), pointer(y),
      parse_conv_args(function, stride, padding, dilation, groups));
  return describe(function, ConvDirection::input_grad, p);
}

py::dict explain_conv2d_weight_grad(py::object dy_object, py::object x_object, py::object w_shape,
                                    py::object stride, py::object padding, py::object dilation,
                                    py::object groups, py::object y_object,
                                    py::object dtype_object) {
  static constexpr char function[] = "conv2d_weight_grad";
  const DType dtype = parse_dtype(function, dtype_object);
  const ArrayInfo dy = array_or_shape(function, "dy", dy_object, dtype);
  const ArrayInfo x = array_or_shape(function, "x", x_object, dtype);
  const auto y = optional_array_or_shape(function, "y", y_object, dtype);
  const Shape w = checked(function, "w_shape", parse_shape(function, "w_shape", w_shape));
  const ConvProblem p =
      spec::conv_weight_grad(function, 2, dy, x, w, pointer(y),
                             parse_conv_args(function, stride, padding, dilation, groups));
  return describe(function, ConvDirection::weight_grad, p);
}

}  // namespace

void register_explain(py::module_& module) {
  module.def("explain_conv2d", explain_conv2d);
  module.def("explain_conv2d_input_grad", explain_conv2d_input_grad);
  module.def("explain_conv2d_weight_grad", explain_conv2d_weight_grad);
}

}  // namespace striate::bindings
