#include "core/spec/optimizer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/check.h"
#include "core/formula/step.h"

namespace striate::spec {
namespace {

// NaN is refused too.
void check_at_least_zero(const char* function, const char* name, double value) {
  check(value >= 0, function, name, " must be at least 0. Got ", name, "=", value, ".");
}

// Whether the convention is Keras's, of the two that there are.
bool is_keras(const char* function, const std::string& convention) {
  check(convention == "torch" || convention == "keras", function,
        "convention must be 'torch' or 'keras'. Got convention='", convention, "'.");
  return convention == "keras";
}

}  // namespace

Penalty penalty(const char* function, double weight_decay, double l1, bool decoupled) {
  check_at_least_zero(function, "weight_decay", weight_decay);
  check_at_least_zero(function, "l1", l1);
  return {weight_decay, l1, decoupled};
}

SgdOptions sgd(const char* function, double lr, double momentum, double dampening, bool nesterov,
               const Penalty& penalty, const char* convention) {
  const std::string name = convention;
  check(name == "torch" || name == "caffe", function,
        "convention must be 'torch' or 'caffe'. Got convention='", name, "'.");
  check_at_least_zero(function, "lr", lr);
  check_at_least_zero(function, "momentum", momentum);
  check(dampening == dampening, function, "dampening must be a number. Got dampening=", dampening,
        ".");
  check(name == "torch" || dampening == 0, function,
        "convention 'caffe' has no dampening. Got dampening=", dampening, ".");
  check(!nesterov || (momentum > 0 && dampening == 0), function,
        "nesterov needs momentum > 0 and dampening = 0. Got momentum=", momentum,
        ", dampening=", dampening, ".");
  return {lr, momentum, dampening, nesterov, penalty, name == "caffe", {}};
}

AdamOptions adam(const char* function, double lr, double beta1, double beta2, double eps,
                 const Penalty& penalty, bool amsgrad, const char* convention) {
  const bool keras = is_keras(function, convention);
  check_at_least_zero(function, "lr", lr);
  check_at_least_zero(function, "eps", eps);
  check(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, function,
        "betas must be in [0, 1). Got betas=(", beta1, ", ", beta2, ").");
  return {beta1, beta2, eps, lr, penalty, amsgrad, keras, {}};
}

AdamCorrection adam_correction(const char* function, const AdamOptions& options, int64_t step) {
  check(step >= 1, function, "step must be at least 1. Got step=", step, ".");
  const double first = 1 - std::pow(options.beta1, static_cast<double>(step));
  const double root = std::sqrt(1 - std::pow(options.beta2, static_cast<double>(step)));
  if (options.keras) return {options.lr * root / first, 1};
  return {options.lr / first, 1 / root};
}

AdagradOptions adagrad(const char* function, double lr, double eps, const Penalty& penalty,
                       const char* convention) {
  const bool keras = is_keras(function, convention);
  check_at_least_zero(function, "lr", lr);
  check_at_least_zero(function, "eps", eps);
  return {lr, eps, penalty, keras, {}};
}

RmspropOptions rmsprop(const char* function, double lr, double alpha, double eps, double momentum,
                       bool centered, const Penalty& penalty, const char* convention) {
  const bool keras = is_keras(function, convention);
  check_at_least_zero(function, "lr", lr);
  check(alpha >= 0 && alpha < 1, function, "alpha must be in [0, 1). Got alpha=", alpha, ".");
  check_at_least_zero(function, "eps", eps);
  check_at_least_zero(function, "momentum", momentum);
  return {lr, alpha, eps, momentum, centered, penalty, keras, {}};
}

Clip clip(const char* function, const double* clip_norm, const double* grad_norm,
          const double* on_device, const double* clip_value) {
  check((clip_norm == nullptr) == (grad_norm == nullptr && on_device == nullptr), function,
        "clip_norm and grad_norm must be given together. Got one of them.");
  Clip clip;
  if (clip_norm != nullptr) {
    clip_limit(function, "clip_norm", *clip_norm);
    if (grad_norm == nullptr) {
      clip.bound = {on_device, *clip_norm, true, function};
    } else {
      check_at_least_zero(function, "grad_norm", *grad_norm);
      check_norm(function, *grad_norm);
      clip.scale = formula::clip_scale(*grad_norm, *clip_norm);
    }
  }
  if (clip_value != nullptr) {
    clip_limit(function, "clip_value", *clip_value);
    clip.limit = *clip_value;
  }
  return clip;
}

void ema(const char* function, const char* name, double decay) {
  check(decay >= 0 && decay <= 1, function, name, " must be in [0, 1]. Got ", name, "=", decay,
        ".");
}

void clip_limit(const char* function, const char* name, double limit) {
  check_at_least_zero(function, name, limit);
}

void check_norm(const char* function, double norm) {
  check(std::isfinite(norm), function, "the norm of the gradients must be finite. Got ", norm, ".");
}

void check_no_overlap(const char* function, ByteRange* ranges, size_t count) {
  const std::less<const void*> before;
  std::sort(ranges, ranges + count,
            [&](const ByteRange& a, const ByteRange& b) { return before(a.start, b.start); });
  // The range that reaches farthest so far, and the same among the written ones.
  const ByteRange* farthest = nullptr;
  const ByteRange* farthest_written = nullptr;
  const auto end = [](const ByteRange* r) { return static_cast<const char*>(r->start) + r->bytes; };
  for (size_t i = 0; i < count; ++i) {
    const ByteRange* r = &ranges[i];
    if (r->bytes == 0) continue;
    const ByteRange* other = r->written ? farthest : farthest_written;
    if (other != nullptr && before(r->start, end(other))) {
      fail(function, "arrays that are updated in place must not overlap any other. Got ", r->name,
           " and ", other->name, " in the same memory.");
    }
    if (farthest == nullptr || before(end(farthest), end(r))) farthest = r;
    if (r->written && (farthest_written == nullptr || before(end(farthest_written), end(r))))
      farthest_written = r;
  }
}

}  // namespace striate::spec
