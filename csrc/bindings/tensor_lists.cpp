#include "bindings/tensor_lists.h"

#include "bindings/arguments.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

py::sequence as_list(const char* function, const char* name, py::handle object) {
  if (is_array(object) || PySequence_Check(object.ptr()) == 0) {
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

std::vector<double> parse_floats(const char* function, const char* name, py::handle object,
                                 size_t count) {
  if (PySequence_Check(object.ptr()) == 0)
    return std::vector<double>(count, parse_float(function, name, object));
  std::vector<double> numbers;
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(object))
    numbers.push_back(parse_float(function, name, item));
  check_same_length(function, name, numbers.size(), count);
  return numbers;
}

Clip parse_clip(const char* function, py::handle clip_norm, py::handle grad_norm,
                py::handle clip_value) {
  double numbers[2];
  const auto parse = [&](const char* name, py::handle object, double& number) -> const double* {
    if (object.is_none()) return nullptr;
    number = parse_float(function, name, object);
    return &number;
  };
  std::optional<NumberInput> norm;
  if (!grad_norm.is_none()) norm.emplace(function, "grad_norm", grad_norm);
  return spec::clip(function, parse("clip_norm", clip_norm, numbers[0]),
                    norm ? norm->known() : nullptr, norm ? norm->on_device() : nullptr,
                    parse("clip_value", clip_value, numbers[1]));
}

Penalty parse_penalty(const char* function, py::handle weight_decay, py::handle l1,
                      py::handle decoupled) {
  return spec::penalty(function, parse_float(function, "weight_decay", weight_decay),
                       parse_float(function, "l1", l1),
                       parse_bool(function, "decoupled", decoupled));
}

void check_same_length(const char* function, const char* name, size_t length, size_t expected,
                       const char* other) {
  check(length == expected, function, name, " must be as long as ", other, ". Got ", length,
        " items for ", expected, " ", other, ".");
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

StepLists::StepLists(const char* function, py::handle params, py::handle grads,
                     const char* params_name, const char* grads_name)
    : function_(function),
      params_name_(params_name),
      params_(parse_updated(function, params_name, params)),
      grads_(parse_gradients(function, grads_name, grads)) {
  check_same_length(function, grads_name, grads_.size(), params_.size(), params_name);
}

void StepLists::add_state(const char* name, py::handle object, bool used) {
  std::vector<InOut>& state = states_.emplace_back();
  if (!used) return;
  state = parse_updated(function_, name, object);
  check_same_length(function_, name, state.size(), params_.size());
}

void StepLists::add_averages(py::handle averages, py::handle ema) {
  check(averages.is_none() == ema.is_none(), function_,
        "averages and ema must be given together. Got one of them.");
  if (averages.is_none()) return;
  averages_ = parse_updated(function_, "averages", averages);
  check_same_length(function_, "averages", averages_.size(), params_.size());
  decays_ = parse_floats(function_, "ema", ema, params_.size());
  for (const double decay : decays_) spec::ema(function_, "ema", decay);
}

std::vector<StepTensor> StepLists::tensors() {
  OverlapCheck overlap;
  std::vector<StepTensor> tensors;
  for (size_t i = 0; i < params_.size(); ++i) {
    if (!grads_[i].input) continue;
    const InOut& param = params_[i];
    Input& grad = *grads_[i].input;
    check_matches(function_, param, grads_[i].name, grad.dtype(), grad.shape());
    StepTensor& t = tensors.emplace_back();
    t = {i,
         param.dtype(),
         spec::element_count(function_, params_name_, param.shape()),
         param.data(),
         grad.data(),
         nullptr,
         0,
         {}};
    overlap.add_written(param);
    overlap.add_read(grads_[i], t.grad, param.bytes());
    for (size_t s = 0; s < states_.size(); ++s) {
      if (states_[s].empty()) continue;
      const InOut& state = states_[s][i];
      check_matches(function_, param, state.name(), state.dtype(), state.shape());
      overlap.add_written(state);
      t.states[s] = state.data();
    }
    if (!averages_.empty()) {
      const InOut& average = averages_[i];
      check_matches(function_, param, average.name(), average.dtype(), average.shape());
      overlap.add_written(average);
      t.average = average.data();
      t.share = 1 - decays_[i];
    }
  }
  overlap.run(function_);
  return tensors;
}

}  // namespace striate::bindings
