#include "core/spec/optimizer.h"

#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/tensor_lists.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

void sgd_step(py::object params_object, py::object grads_object, py::object velocities_object,
              py::object lr, py::object momentum, py::object dampening, py::object nesterov,
              py::object weight_decay, py::object l1, py::object first, py::object convention) {
  static constexpr char function[] = "sgd_step";
  const SgdOptions options = spec::sgd(
      function, parse_float(function, "lr", lr), parse_float(function, "momentum", momentum),
      parse_float(function, "dampening", dampening), parse_bool(function, "nesterov", nesterov),
      parse_float(function, "weight_decay", weight_decay), parse_float(function, "l1", l1),
      parse_text(function, "convention", convention).c_str());
  const bool moving = options.momentum != 0;
  check(!moving || !velocities_object.is_none(), function,
        "momentum needs velocities. Got momentum=", options.momentum, ", velocities=None.");

  std::vector<InOut> params = parse_updated(function, "params", params_object);
  std::deque<Gradient> grads = parse_gradients(function, "grads", grads_object);
  std::vector<InOut> velocities;
  if (moving) velocities = parse_updated(function, "velocities", velocities_object);
  const std::vector<bool> firsts = parse_flags(function, "first", first, params.size());
  check_same_length(function, "grads", grads.size(), params.size());
  if (moving) check_same_length(function, "velocities", velocities.size(), params.size());

  // Everything is checked before anything is written.
  OverlapCheck overlap;
  std::vector<SgdTensor<float>> tensors32;
  std::vector<SgdTensor<double>> tensors64;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!grads[i].input) continue;
    Input& grad = *grads[i].input;
    check_matches(function, params[i], grads[i].name, grad.dtype(), grad.shape());
    if (moving)
      check_matches(function, params[i], velocities[i].name(), velocities[i].dtype(),
                    velocities[i].shape());
    const void* grad_data = grad.data();
    overlap.add_written(params[i]);
    overlap.add_read(grads[i], grad_data, params[i].bytes());
    if (moving) overlap.add_written(velocities[i]);
    const int64_t count = spec::element_count(function, "params", params[i].shape());
    const auto append = [&](auto& tensors, auto zero) {
      using T = decltype(zero);
      tensors.push_back({count, static_cast<T*>(params[i].data()), static_cast<const T*>(grad_data),
                         moving ? static_cast<T*>(velocities[i].data()) : nullptr, firsts[i]});
    };
    if (params[i].dtype() == DType::f32)
      append(tensors32, float{});
    else
      append(tensors64, double{});
  }
  overlap.run(function);
  if (params.empty()) return;

  const Context call = context(params.front());
  without_gil([&] {
    if (!tensors32.empty())
      kernels<float>().optimizer->sgd_step(options, tensors32.data(),
                                           static_cast<int64_t>(tensors32.size()), call);
    if (!tensors64.empty())
      kernels<double>().optimizer->sgd_step(options, tensors64.data(),
                                            static_cast<int64_t>(tensors64.size()), call);
  });
}

}  // namespace

void register_optimizer(py::module_& module) { module.def("sgd_step", sgd_step); }

}  // namespace striate::bindings
