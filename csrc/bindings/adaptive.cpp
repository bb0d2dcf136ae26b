#include <utility>

#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/tensor_lists.h"
#include "core/spec/optimizer.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

// Runs the kernels on the tensors of each dtype: make(tensor, zero), then run(table, tensors, n).
template <template <class> class Tensor, class Make, class Run>
void run_step(StepLists& lists, const Make& make, const Run& run) {
  const auto tensors = by_dtype<Tensor>(lists.tensors(), make);
  run_kernels([&] {
    if (!tensors.first.empty())
      run(kernels<float>(), tensors.first.data(), static_cast<int64_t>(tensors.first.size()));
    if (!tensors.second.empty())
      run(kernels<double>(), tensors.second.data(), static_cast<int64_t>(tensors.second.size()));
  });
}

// The pair (beta1, beta2).
std::pair<double, double> parse_betas(const char* function, py::handle object) {
  const bool pair = PySequence_Check(object.ptr()) != 0 && PySequence_Size(object.ptr()) == 2;
  if (!pair) {
    PyErr_Clear();
    fail<TypeError>(function, "betas must be a pair of numbers. Got ",
                    Py_TYPE(object.ptr())->tp_name, ".");
  }
  const auto betas = py::reinterpret_borrow<py::sequence>(object);
  return {parse_float(function, "betas[0]", betas[0]), parse_float(function, "betas[1]", betas[1])};
}

void adam_step(py::object params, py::object grads, py::object exp_avgs, py::object exp_avg_sqs,
               py::object max_exp_avg_sqs, py::object lr, py::object step, py::object betas,
               py::object eps, py::object weight_decay, py::object l1, py::object decoupled,
               py::object amsgrad, py::object convention, py::object clip_norm,
               py::object grad_norm, py::object clip_value, py::object averages, py::object ema) {
  static constexpr char function[] = "adam_step";
  const auto [beta1, beta2] = parse_betas(function, betas);
  AdamOptions options = spec::adam(function, parse_float(function, "lr", lr), beta1, beta2,
                                   parse_float(function, "eps", eps),
                                   parse_penalty(function, weight_decay, l1, decoupled),
                                   parse_bool(function, "amsgrad", amsgrad),
                                   parse_text(function, "convention", convention).c_str());
  options.clip = parse_clip(function, clip_norm, grad_norm, clip_value);
  check(!options.amsgrad || !max_exp_avg_sqs.is_none(), function,
        "amsgrad needs max_exp_avg_sqs. Got amsgrad=True, max_exp_avg_sqs=None.");

  StepLists lists(function, params, grads);
  lists.add_state("exp_avgs", exp_avgs, true);
  lists.add_state("exp_avg_sqs", exp_avg_sqs, true);
  lists.add_state("max_exp_avg_sqs", max_exp_avg_sqs, options.amsgrad);
  lists.add_averages(averages, ema);
  std::vector<AdamCorrection> corrections;
  for (const int64_t count : parse_counts(function, "step", step, lists.size()))
    corrections.push_back(spec::adam_correction(function, options, count));
  run_step<AdamTensor>(
      lists,
      [&](const StepTensor& t, auto zero) {
        using T = decltype(zero);
        return AdamTensor<T>{t.arrays<T>(), t.state<T>(0), t.state<T>(1), t.state<T>(2),
                             corrections[t.index]};
      },
      [&](const auto& table, const auto* tensors, int64_t count) {
        table.adam->step(options, tensors, count, context());
      });
}

void adagrad_step(py::object params, py::object grads, py::object accumulators, py::object lr,
                  py::object eps, py::object weight_decay, py::object l1, py::object decoupled,
                  py::object convention, py::object clip_norm, py::object grad_norm,
                  py::object clip_value, py::object averages, py::object ema) {
  static constexpr char function[] = "adagrad_step";
  AdagradOptions options =
      spec::adagrad(function, parse_float(function, "lr", lr), parse_float(function, "eps", eps),
                    parse_penalty(function, weight_decay, l1, decoupled),
                    parse_text(function, "convention", convention).c_str());
  options.clip = parse_clip(function, clip_norm, grad_norm, clip_value);
  StepLists lists(function, params, grads);
  lists.add_state("accumulators", accumulators, true);
  lists.add_averages(averages, ema);
  run_step<AdagradTensor>(
      lists,
      [](const StepTensor& t, auto zero) {
        using T = decltype(zero);
        return AdagradTensor<T>{t.arrays<T>(), t.state<T>(0)};
      },
      [&](const auto& table, const auto* tensors, int64_t count) {
        table.adagrad->step(options, tensors, count, context());
      });
}

void rmsprop_step(py::object params, py::object grads, py::object mean_squares,
                  py::object mean_grads, py::object velocities, py::object lr, py::object alpha,
                  py::object eps, py::object momentum, py::object centered, py::object weight_decay,
                  py::object l1, py::object decoupled, py::object convention, py::object clip_norm,
                  py::object grad_norm, py::object clip_value, py::object averages,
                  py::object ema) {
  static constexpr char function[] = "rmsprop_step";
  RmspropOptions options = spec::rmsprop(
      function, parse_float(function, "lr", lr), parse_float(function, "alpha", alpha),
      parse_float(function, "eps", eps), parse_float(function, "momentum", momentum),
      parse_bool(function, "centered", centered),
      parse_penalty(function, weight_decay, l1, decoupled),
      parse_text(function, "convention", convention).c_str());
  options.clip = parse_clip(function, clip_norm, grad_norm, clip_value);
  const bool moving = options.momentum != 0;
  check(!options.centered || !mean_grads.is_none(), function,
        "centered needs mean_grads. Got centered=True, mean_grads=None.");
  check(!moving || !velocities.is_none(), function,
        "momentum needs velocities. Got momentum=", options.momentum, ", velocities=None.");
  StepLists lists(function, params, grads);
  lists.add_state("mean_squares", mean_squares, true);
  lists.add_state("mean_grads", mean_grads, options.centered);
  lists.add_state("velocities", velocities, moving);
  lists.add_averages(averages, ema);
  run_step<RmspropTensor>(
      lists,
      [](const StepTensor& t, auto zero) {
        using T = decltype(zero);
        return RmspropTensor<T>{t.arrays<T>(), t.state<T>(0), t.state<T>(1), t.state<T>(2)};
      },
      [&](const auto& table, const auto* tensors, int64_t count) {
        table.rmsprop->step(options, tensors, count, context());
      });
}

}  // namespace

void register_adaptive(py::module_& module) {
  module.def("adam_step", adam_step);
  module.def("adagrad_step", adagrad_step);
  module.def("rmsprop_step", rmsprop_step);
}

}  // namespace striate::bindings
