// What a call would do, without doing it: arrays may be given by their shapes.
#include <optional>
#include <string>

#include "bindings/backend.h"
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
#if !defined(STRIATE_CUDA_BACKEND)  // whose arrays striate/_explain.py hands on as shapes
  if (py::isinstance<py::array>(object))
    info = Input(function, name, object).info();
  else
#endif
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

// With what only the kernels know.
template <class T>
ConvPlan whole_plan_for(ConvDirection direction, const ConvProblem& p, bool masked) {
  ConvPlan plan = plan_for<T>(direction, p, masked);
#if !defined(STRIATE_CUDA_BACKEND)  // which has none
  if (plan.scratch < 0) plan.scratch = kernels<T>().conv->direct_scratch(p, direction);
#endif
  return plan;
}

py::dict describe(const char* function, ConvDirection direction, const ConvProblem& p,
                  bool masked = false) {
  constexpr int64_t kMostTaps = int64_t{1} << 20;
  check(p.window.kernel_size() <= kMostTaps, function,
        "a kernel must have at most 2^20 taps. Got w's shape ", spec::to_string(p.w_shape()), ".");
  checked(function, "x", p.x_shape());
  checked(function, "the result", p.y_shape());
  const ConvPlan plan = p.dtype == DType::f32 ? whole_plan_for<float>(direction, p, masked)
                                              : whole_plan_for<double>(direction, p, masked);
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

// The arguments of a function of striate.ops, by position.
struct Call {
  const char* function;
  int rank;
  py::tuple arguments;
  DType dtype;

  py::object at(size_t index) const { return arguments[index]; }
  ArrayInfo array(const char* name, size_t index) const {
    return array_or_shape(function, name, at(index), dtype);
  }
  std::optional<ArrayInfo> optional_array(const char* name, size_t index) const {
    return optional_array_or_shape(function, name, at(index), dtype);
  }
  Shape shape(const char* name) const {
    return checked(function, name, parse_shape(function, name, at(2)));
  }
  spec::ConvArgs args() const { return parse_conv_args(function, at(3), at(4), at(5), at(6)); }
  spec::ConvTransposeArgs transposed_args() const {
    return parse_transposed_args(function, at(3), at(4), at(5), at(6), at(7));
  }
};

py::dict explain_forward(const Call& call) {
  const auto b = call.optional_array("b", 2);
  const ConvProblem p = spec::conv(call.function, call.rank, call.array("x", 0), call.array("w", 1),
                                   pointer(b), call.args());
  parse_activation(call.function, call.at(7));
  return describe(call.function, ConvDirection::forward, p);
}

py::dict explain_input_grad(const Call& call) {
  const auto y = call.optional_array("y", 7);
  const ConvProblem p =
      spec::conv_input_grad(call.function, call.rank, call.array("dy", 0), call.array("w", 1),
                            call.shape("x_shape"), pointer(y), call.args());
  return describe(call.function, ConvDirection::input_grad, p, y.has_value());
}

py::dict explain_weight_grad(const Call& call) {
  const auto y = call.optional_array("y", 7);
  const ConvProblem p =
      spec::conv_weight_grad(call.function, call.rank, call.array("dy", 0), call.array("x", 1),
                             call.shape("w_shape"), pointer(y), call.args());
  return describe(call.function, ConvDirection::weight_grad, p, y.has_value());
}

// A transposed convolution's problem is the convolution from its output to its input.
py::dict explain_transposed(const Call& call) {
  const auto b = call.optional_array("b", 2);
  const ConvProblem p =
      spec::conv_transpose(call.function, call.rank, call.array("x", 0), call.array("w", 1),
                           pointer(b), call.transposed_args());
  return describe(call.function, ConvDirection::input_grad, p);
}

py::dict explain_transposed_input_grad(const Call& call) {
  const ConvProblem p = spec::conv_transpose_input_grad(
      call.function, call.rank, call.array("dy", 0), call.array("w", 1), call.shape("x_shape"),
      call.transposed_args());
  return describe(call.function, ConvDirection::forward, p);
}

py::dict explain_transposed_weight_grad(const Call& call) {
  const ConvProblem p = spec::conv_transpose_weight_grad(
      call.function, call.rank, call.array("dy", 0), call.array("x", 1), call.shape("w_shape"),
      call.transposed_args());
  return describe(call.function, ConvDirection::weight_grad, p);
}

// None where the operation has one algorithm only.
py::object explain_conv(const std::string& name, const py::tuple& arguments,
                        const py::object& dtype) {
  using Explain = py::dict (*)(const Call&);
  const auto run = [&](const char* function, int rank, Explain explain) -> py::object {
    return explain({function, rank, arguments, parse_dtype(function, dtype)});
  };
  for (const ConvFamily& family : kConv) {
    if (name == family.forward) return run(family.forward, family.rank, explain_forward);
    if (name == family.input_grad) return run(family.input_grad, family.rank, explain_input_grad);
    if (name == family.weight_grad)
      return run(family.weight_grad, family.rank, explain_weight_grad);
  }
  for (const ConvFamily& family : kConvTranspose) {
    if (name == family.forward) return run(family.forward, family.rank, explain_transposed);
    if (name == family.input_grad)
      return run(family.input_grad, family.rank, explain_transposed_input_grad);
    if (name == family.weight_grad)
      return run(family.weight_grad, family.rank, explain_transposed_weight_grad);
  }
  return py::none();
}

}  // namespace

void register_explain(py::module_& module) { module.def("explain_conv", explain_conv); }

}  // namespace striate::bindings
