#include "core/spec/activation.h"

#include <cmath>

#include "core/check.h"

namespace striate::spec {

void leaky_relu(const char* function, double negative_slope) {
  check(std::isfinite(negative_slope), function,
        "negative_slope must be finite. Got negative_slope=", negative_slope, ".");
}

void elu(const char* function, double alpha) {
  // Below 0 the output would no longer tell the input's sign, which the gradient needs.
  check(std::isfinite(alpha) && alpha >= 0, function,
        "alpha must be finite and at least 0. Got alpha=", alpha, ".");
}

void softplus(const char* function, double beta, double threshold) {
  check(std::isfinite(beta) && beta > 0, function,
        "beta must be finite and greater than 0. Got beta=", beta, ".");
  check(!std::isnan(threshold), function, "threshold must be a number. Got threshold=", threshold,
        ".");
}

bool gelu(const char* function, const std::string& approximate) {
  check(approximate == "none" || approximate == "tanh", function,
        "approximate must be 'none' or 'tanh'. Got approximate='", approximate, "'.");
  return approximate == "tanh";
}

}  // namespace striate::spec
