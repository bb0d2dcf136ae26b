// Bounds on gradients and weights, and the weights' moving averages.
#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "bindings/tensor_lists.h"
#include "core/spec/optimizer.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

// The arrays of a list, by dtype; None is skipped where that is allowed.
struct Updated {
  std::vector<InOut> arrays;
  std::vector<GradTensor<float>> list32;
  std::vector<GradTensor<double>> list64;

  Updated(const char* function, const char* name, py::handle object, bool skip_none)
      : arrays(parse_updated(function, name, object, skip_none)) {
    OverlapCheck overlap;
    for (const InOut& array : arrays) {
      overlap.add_written(array);
      const int64_t count = spec::element_count(function, name, array.shape());
      if (array.dtype() == DType::f32)
        list32.push_back({count, static_cast<float*>(array.data())});
      else
        list64.push_back({count, static_cast<double*>(array.data())});
    }
    overlap.run(function);
  }

  template <class Run>
  void run(const Run& body) const {
    body(kernels<float>(), list32.data(), static_cast<int64_t>(list32.size()));
    body(kernels<double>(), list64.data(), static_cast<int64_t>(list64.size()));
  }
};

py::object clip_grad_norm(py::object grads, py::object max_norm_object,
                          py::object error_if_nonfinite) {
  static constexpr char function[] = "clip_grad_norm";
  const double max_norm = parse_float(function, "max_norm", max_norm_object);
  spec::clip_limit(function, "max_norm", max_norm);
  const bool strict = parse_bool(function, "error_if_nonfinite", error_if_nonfinite);
  const Updated updated(function, "grads", grads, true);
  NumberOutput norm(DType::f64);
  const NormBound bound{norm.data<double>(), max_norm, strict, function};
  run_kernels([&] {
    const double* others = nullptr;
    updated.run([&](const auto& table, const auto* tensors, int64_t count) {
      if (others != nullptr && count == 0) return;
      table.clip->norm(tensors, count, others, norm.data<double>(), context());
      others = bound.norm;
    });
    if (strict) check_norm(function, bound.norm);
    updated.run([&](const auto& table, const auto* tensors, int64_t count) {
      table.clip->scale(tensors, count, bound, context());
    });
  });
  return norm.release();
}

void clip_grad_value(py::object grads, py::object clip_value) {
  static constexpr char function[] = "clip_grad_value";
  const double most = parse_float(function, "clip_value", clip_value);
  spec::clip_limit(function, "clip_value", most);
  const Updated updated(function, "grads", grads, true);
  run_kernels([&] {
    updated.run([&](const auto& table, const auto* tensors, int64_t count) {
      table.clip->limit(tensors, count, most, context());
    });
  });
}

void ema_step(py::object averages, py::object params, py::object decay_object) {
  static constexpr char function[] = "ema_step";
  const double decay = parse_float(function, "decay", decay_object);
  spec::ema(function, "decay", decay);
  // The averages are what is written, and the parameters what is read.
  StepLists lists(function, averages, params, "averages", "params");
  const std::vector<StepTensor> pairs = lists.tensors();
  check(pairs.size() == lists.size(), function, "params must not hold None. Got ",
        lists.size() - pairs.size(), " of it.");
  const auto tensors = by_dtype<EmaTensor>(pairs, [](const StepTensor& t, auto zero) {
    using T = decltype(zero);
    return EmaTensor<T>{t.count, static_cast<T*>(t.param), static_cast<const T*>(t.grad)};
  });
  run_kernels([&] {
    kernels<float>().weights->ema_step(decay, tensors.first.data(),
                                       static_cast<int64_t>(tensors.first.size()), context());
    kernels<double>().weights->ema_step(decay, tensors.second.data(),
                                        static_cast<int64_t>(tensors.second.size()), context());
  });
}

void max_norm_step(py::object params, py::object max_norm_object) {
  static constexpr char function[] = "max_norm_step";
  const double max_norm = parse_float(function, "max_norm", max_norm_object);
  spec::clip_limit(function, "max_norm", max_norm);
  const std::vector<InOut> arrays = parse_updated(function, "params", params);
  OverlapCheck overlap;
  for (const InOut& array : arrays) overlap.add_written(array);
  overlap.run(function);
  const auto rows = [&](const InOut& array, auto zero) {
    using T = decltype(zero);
    const int64_t count = spec::element_count(function, "params", array.shape());
    const int64_t first = array.shape().rank == 0 ? 1 : array.shape()[0];
    return RowTensor<T>{first, first == 0 ? 0 : count / first, static_cast<T*>(array.data())};
  };
  std::vector<RowTensor<float>> list32;
  std::vector<RowTensor<double>> list64;
  for (const InOut& array : arrays) {
    if (array.dtype() == DType::f32)
      list32.push_back(rows(array, float{}));
    else
      list64.push_back(rows(array, double{}));
  }
  run_kernels([&] {
    kernels<float>().weights->max_norm_step(max_norm, list32.data(),
                                            static_cast<int64_t>(list32.size()), context());
    kernels<double>().weights->max_norm_step(max_norm, list64.data(),
                                             static_cast<int64_t>(list64.size()), context());
  });
}

}  // namespace

void register_weights(py::module_& module) {
  module.def("clip_grad_norm", clip_grad_norm);
  module.def("clip_grad_value", clip_grad_value);
  module.def("ema_step", ema_step);
  module.def("max_norm_step", max_norm_step);
}

}  // namespace striate::bindings
