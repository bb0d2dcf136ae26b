#include "core/spec/random.h"

#include <cmath>
#include <limits>

#include "core/check.h"

namespace striate::spec {
namespace {

void check_in_range(const char* function, const char* name, DType dtype, double value) {
  const double greatest = dtype == DType::f32
                              ? static_cast<double>(std::numeric_limits<float>::max())
                              : std::numeric_limits<double>::max();
  check(std::fabs(value) <= greatest, function, name, " must be finite in ", name_of(dtype),
        ". Got ", name, "=", value, ".");
}

}  // namespace

void random_uniform(const char* function, DType dtype, double low, double high) {
  check_in_range(function, "low", dtype, low);
  check_in_range(function, "high", dtype, high);
  check(low <= high, function, "low must not be above high. Got low=", low, ", high=", high, ".");
  check_in_range(function, "high - low", dtype, high - low);
}

void random_normal(const char* function, DType dtype, double mean, double std) {
  check_in_range(function, "mean", dtype, mean);
  check_in_range(function, "std", dtype, std);
  check(std >= 0, function, "std must be at least 0. Got std=", std, ".");
}

void random_truncated_normal(const char* function, DType dtype, double mean, double std,
                             double cut) {
  random_normal(function, dtype, mean, std);
  check(cut > 0, function, "cut must be above 0. Got cut=", cut, ".");
}

}  // namespace striate::spec
