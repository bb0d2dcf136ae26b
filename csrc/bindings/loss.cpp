#include "core/spec/loss.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

py::tuple softmax_cross_entropy(py::object logits_object, py::object labels_object,
                                py::object weight_object, py::object ignore_index,
                                py::object label_smoothing, py::object reduction) {
  static constexpr char function[] = "softmax_cross_entropy";
  Input logits(function, "logits", logits_object);
  IndexInput labels(function, "labels", labels_object);
  OptionalInput weight(function, "weight", weight_object);
  const CrossEntropyProblem p =
      spec::softmax_cross_entropy(function, logits.info(), labels.shape(), weight.info(),
                                  parse_int(function, "ignore_index", ignore_index),
                                  parse_float(function, "label_smoothing", label_smoothing),
                                  parse_text(function, "reduction", reduction).c_str());
  const int64_t* labels_data = labels.data();
  const void *logits_data = logits.data(), *weight_data = weight.data();
  Output dlogits(p.dtype, logits.shape());
  std::optional<Output> losses;
  if (p.reduction == Reduction::none) losses.emplace(p.dtype, labels.shape());
  NumberOutput total(p.dtype);
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    check_labels(function, p, labels.shape(), labels_data);
    kernels<T>().loss->softmax_cross_entropy(
        p, static_cast<const T*>(logits_data), labels_data, static_cast<const T*>(weight_data),
        losses ? static_cast<T*>(losses->data()) : nullptr, static_cast<T*>(dlogits.data()),
        total.data<T>(), context());
  });
  if (losses) return py::make_tuple(losses->release(), dlogits.release());
  return py::make_tuple(total.release(), dlogits.release());
}

py::tuple nll_loss(py::object log_probs_object, py::object labels_object, py::object weight_object,
                   py::object ignore_index, py::object reduction) {
  static constexpr char function[] = "nll_loss";
  Input log_probs(function, "log_probs", log_probs_object);
  IndexInput labels(function, "labels", labels_object);
  OptionalInput weight(function, "weight", weight_object);
  const CrossEntropyProblem p =
      spec::nll_loss(function, log_probs.info(), labels.shape(), weight.info(),
                     parse_int(function, "ignore_index", ignore_index),
                     parse_text(function, "reduction", reduction).c_str());
  const int64_t* labels_data = labels.data();
  const void *log_probs_data = log_probs.data(), *weight_data = weight.data();
  Output dlog_probs(p.dtype, log_probs.shape());
  std::optional<Output> losses;
  if (p.reduction == Reduction::none) losses.emplace(p.dtype, labels.shape());
  NumberOutput total(p.dtype);
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    check_labels(function, p, labels.shape(), labels_data);
    kernels<T>().nll->loss(p, static_cast<const T*>(log_probs_data), labels_data,
                           static_cast<const T*>(weight_data),
                           losses ? static_cast<T*>(losses->data()) : nullptr,
                           static_cast<T*>(dlog_probs.data()), total.data<T>(), context());
  });
  if (losses) return py::make_tuple(losses->release(), dlog_probs.release());
  return py::make_tuple(total.release(), dlog_probs.release());
}

}  // namespace

void register_loss(py::module_& module) {
  module.def("nll_loss", nll_loss);
  module.def("softmax_cross_entropy", softmax_cross_entropy);
}

}  // namespace striate::bindings
