#include "core/spec/optimizer.h"

#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/tensor_lists.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

void sgd_step(py::object params, py::object grads, py::object velocities, py::object lr,
              py::object momentum, py::object dampening, py::object nesterov,
              py::object weight_decay, py::object l1, py::object decoupled, py::object first,
              py::object convention, py::object clip_norm, py::object grad_norm,
              py::object clip_value, py::object averages, py::object ema) {
  static constexpr char function[] = "sgd_step";
  SgdOptions options = spec::sgd(
      function, parse_float(function, "lr", lr), parse_float(function, "momentum", momentum),
      parse_float(function, "dampening", dampening), parse_bool(function, "nesterov", nesterov),
      parse_penalty(function, weight_decay, l1, decoupled),
      parse_text(function, "convention", convention).c_str());
  options.clip = parse_clip(function, clip_norm, grad_norm, clip_value);
  const bool moving = options.momentum != 0;
  check(!moving || !velocities.is_none(), function,
        "momentum needs velocities. Got momentum=", options.momentum, ", velocities=None.");

  StepLists lists(function, params, grads);
  lists.add_state("velocities", velocities, moving);
  lists.add_averages(averages, ema);
  const std::vector<bool> firsts = parse_flags(function, "first", first, lists.size());
  const auto [tensors32, tensors64] =
      by_dtype<SgdTensor>(lists.tensors(), [&](const StepTensor& t, auto zero) {
        using T = decltype(zero);
        return SgdTensor<T>{t.arrays<T>(), t.state<T>(0), firsts[t.index]};
      });
  if (lists.size() == 0) return;

  const Context call = context();
  const auto run = [&](const auto& table, const auto& tensors) {
    if (!tensors.empty())
      table.optimizer->sgd_step(options, tensors.data(), static_cast<int64_t>(tensors.size()),
                                call);
  };
  const auto& list32 = tensors32;  // clang 14 cannot capture a structured binding
  const auto& list64 = tensors64;
  run_kernels([&] {
    run(kernels<float>(), list32);
    run(kernels<double>(), list64);
  });
}

}  // namespace

void register_optimizer(py::module_& module) { module.def("sgd_step", sgd_step); }

}  // namespace striate::bindings
