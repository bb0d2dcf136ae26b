#include <cmath>
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

void adam_step(py::object params_object, py::object grads_object, py::object exp_avgs_object,
               py::object exp_avg_sqs_object, py::object max_exp_avg_sqs_object, py::object lr,
               py::object step, py::object betas, py::object eps, py::object weight_decay,
               py::object l1, py::object decoupled, py::object amsgrad, py::object convention) {
  static constexpr char function[] = "adam_step";
  const auto [beta1, beta2] = parse_betas(function, betas);
  const AdamOptions options = spec::adam(
      function, parse_float(function, "lr", lr), beta1, beta2, parse_float(function, "eps", eps),
      parse_float(function, "weight_decay", weight_decay), parse_float(function, "l1", l1),
      parse_bool(function, "decoupled", decoupled), parse_bool(function, "amsgrad", amsgrad),
      parse_text(function, "convention", convention).c_str());
  check(!options.amsgrad || !max_exp_avg_sqs_object.is_none(), function,
        "amsgrad needs max_exp_avg_sqs. Got amsgrad=True, max_exp_avg_sqs=None.");

  std::vector<InOut> params = parse_updated(function, "params", params_object);
  auto grads = parse_gradients(function, "grads", grads_object);
  // exp_avgs, exp_avg_sqs and max_exp_avg_sqs
  std::vector<std::vector<InOut>> states;
  const auto add_state = [&](const char* name, py::handle object) {
    states.push_back(parse_updated(function, name, object));
    check_same_length(function, name, states.back().size(), params.size());
  };
  check_same_length(function, "grads", grads.size(), params.size());
  add_state("exp_avgs", exp_avgs_object);
  add_state("exp_avg_sqs", exp_avg_sqs_object);
  if (options.amsgrad) add_state("max_exp_avg_sqs", max_exp_avg_sqs_object);
  const std::vector<int64_t> steps = parse_counts(function, "step", step, params.size());

  // Everything is checked before anything is written.
  OverlapCheck overlap;
  std::vector<AdamTensor<float>> tensors32;
  std::vector<AdamTensor<double>> tensors64;
  for (size_t i = 0; i < params.size(); ++i) {
    const AdamCorrection correction = spec::adam_correction(function, options, steps[i]);
    if (!grads[i].input) continue;
    Input& grad = *grads[i].input;
    check_matches(function, params[i], grads[i].name, grad.dtype(), grad.shape());
    const void* grad_data = grad.data();
    overlap.add_written(params[i]);
    overlap.add_read(grads[i], grad_data, params[i].bytes());
    for (const std::vector<InOut>& state : states) {
      check_matches(function, params[i], state[i].name(), state[i].dtype(), state[i].shape());
      overlap.add_written(state[i]);
    }
    const int64_t count = spec::element_count(function, "params", params[i].shape());
    const auto append = [&](auto& tensors, auto zero) {
      using T = decltype(zero);
      const auto state = [&](size_t s) {
        return s < states.size() ? static_cast<T*>(states[s][i].data()) : nullptr;
      };
      tensors.push_back({count, static_cast<T*>(params[i].data()), static_cast<const T*>(grad_data),
                         state(0), state(1), state(2), correction});
    };
    if (params[i].dtype() == DType::f32)
      append(tensors32, float{});
    else
      append(tensors64, double{});
  }
  overlap.run(function);

  without_gil([&] {
    if (!tensors32.empty())
      kernels<float>().adam->step(options, tensors32.data(), static_cast<int64_t>(tensors32.size()),
                                  context());
    if (!tensors64.empty())
      kernels<double>().adam->step(options, tensors64.data(),
                                   static_cast<int64_t>(tensors64.size()), context());
  });
}

double clip_grad_norm(py::object grads_object, py::object max_norm_object,
                      py::object error_if_nonfinite) {
  static constexpr char function[] = "clip_grad_norm";
  const double max_norm = parse_float(function, "max_norm", max_norm_object);
  spec::clip_norm(function, max_norm);
  const bool strict = parse_bool(function, "error_if_nonfinite", error_if_nonfinite);
  std::vector<InOut> grads = parse_updated(function, "grads", grads_object, true);
  OverlapCheck overlap;
  std::vector<GradTensor<float>> tensors32;
  std::vector<GradTensor<double>> tensors64;
  for (const InOut& grad : grads) {
    overlap.add_written(grad);
    const int64_t count = spec::element_count(function, "grads", grad.shape());
    if (grad.dtype() == DType::f32)
      tensors32.push_back({count, static_cast<float*>(grad.data())});
    else
      tensors64.push_back({count, static_cast<double*>(grad.data())});
  }
  overlap.run(function);

  const auto count32 = static_cast<int64_t>(tensors32.size());
  const auto count64 = static_cast<int64_t>(tensors64.size());
  double norm = 0;
  without_gil([&] {
    norm = std::sqrt(kernels<float>().clip->square_sum(tensors32.data(), count32, context()) +
                     kernels<double>().clip->square_sum(tensors64.data(), count64, context()));
    const double factor = spec::clip_factor(function, norm, max_norm, strict);
    if (factor == 1) return;
    kernels<float>().clip->scale(tensors32.data(), count32, factor, context());
    kernels<double>().clip->scale(tensors64.data(), count64, factor, context());
  });
  return norm;
}

}  // namespace

void register_adam(py::module_& module) {
  module.def("adam_step", adam_step);
  module.def("clip_grad_norm", clip_grad_norm);
}

}  // namespace striate::bindings
