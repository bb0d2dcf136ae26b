#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/loss.h"

namespace striate::bindings {
namespace {

// run(table, losses or null, slopes, total): the first two have pred's shape, the total is reduced.
template <class Run>
py::tuple loss_and_slopes(const Input& pred, Reduction reduction, const Run& run) {
  Output slopes(pred.dtype(), pred.shape());
  std::optional<Output> losses;
  if (reduction == Reduction::none) losses.emplace(pred.dtype(), pred.shape());
  NumberOutput total(pred.dtype());
  run_for(pred.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().elementwise_loss, losses ? static_cast<T*>(losses->data()) : nullptr,
        static_cast<T*>(slopes.data()), total.data<T>());
  });
  if (losses) return py::make_tuple(losses->release(), slopes.release());
  return py::make_tuple(total.release(), slopes.release());
}

// The element type of a pointer.
template <class T>
using Element = std::remove_pointer_t<T>;

// run(table, count, reduction, pred, target, losses, dpred, total)
template <class Run>
py::tuple regression(const char* function, py::handle pred_object, py::handle target_object,
                     py::handle reduction_object, const Run& run) {
  Input pred(function, "pred", pred_object), target(function, "target", target_object);
  const int64_t count = spec::regression_loss(function, pred.info(), target.info());
  const Reduction reduction =
      spec::reduction(function, parse_text(function, "reduction", reduction_object).c_str());
  const void *pred_data = pred.data(), *target_data = target.data();
  return loss_and_slopes(pred, reduction,
                         [&](const auto& table, auto losses, auto dpred, auto total) {
                           using T = Element<decltype(dpred)>;
                           return run(table, count, reduction, static_cast<const T*>(pred_data),
                                      static_cast<const T*>(target_data), losses, dpred, total);
                         });
}

py::tuple mse_loss(py::object pred, py::object target, py::object reduction) {
  return regression("mse_loss", pred, target, reduction, [](const auto& table, auto... arguments) {
    return table.mse(arguments..., context());
  });
}

py::tuple l1_loss(py::object pred, py::object target, py::object reduction) {
  return regression("l1_loss", pred, target, reduction, [](const auto& table, auto... arguments) {
    return table.l1(arguments..., context());
  });
}

py::tuple huber_loss(py::object pred, py::object target, py::object delta_object,
                     py::object reduction_object) {
  const double delta = parse_float("huber_loss", "delta", delta_object);
  spec::huber_loss("huber_loss", delta);
  return regression("huber_loss", pred, target, reduction_object,
                    [=](const auto& table, int64_t count, Reduction reduction, auto from, auto to,
                        auto losses, auto dpred, auto total) {
                      const auto bend = static_cast<Element<decltype(dpred)>>(delta);
                      return table.huber(count, reduction, bend, from, to, losses, dpred, total,
                                         context());
                    });
}

py::tuple binary_cross_entropy_with_logits(py::object logits_object, py::object target_object,
                                           py::object weight_object, py::object pos_weight_object,
                                           py::object reduction) {
  constexpr const char* function = "binary_cross_entropy_with_logits";
  Input logits(function, "logits", logits_object), target(function, "target", target_object);
  OptionalInput weight(function, "weight", weight_object);
  OptionalInput pos_weight(function, "pos_weight", pos_weight_object);
  const BinaryCrossEntropyProblem problem = spec::binary_cross_entropy(
      function, logits.info(), target.info(), weight.info(), pos_weight.info(),
      parse_text(function, "reduction", reduction).c_str());
  const void *logits_data = logits.data(), *target_data = target.data();
  const void *weight_data = weight.data(), *pos_weight_data = pos_weight.data();
  return loss_and_slopes(
      logits, problem.reduction, [&](const auto& table, auto losses, auto dlogits, auto total) {
        using T = Element<decltype(dlogits)>;
        return table.binary_cross_entropy(
            problem, static_cast<const T*>(logits_data), static_cast<const T*>(target_data),
            static_cast<const T*>(weight_data), static_cast<const T*>(pos_weight_data), losses,
            dlogits, total, context());
      });
}

}  // namespace

void register_elementwise_loss(py::module_& module) {
  module.def("mse_loss", mse_loss);
  module.def("l1_loss", l1_loss);
  module.def("huber_loss", huber_loss);
  module.def("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits);
}

}  // namespace striate::bindings
