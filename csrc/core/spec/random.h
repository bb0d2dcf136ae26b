#pragma once

#include "core/shape.h"

namespace striate::spec {

// low <= high, and both and what lies between them within the dtype's range.
void random_uniform(const char* function, DType dtype, double low, double high);

// std >= 0; mean and std finite in the dtype.
void random_normal(const char* function, DType dtype, double mean, double std);
// The same, and cut > 0.
void random_truncated_normal(const char* function, DType dtype, double mean, double std,
                             double cut);

}  // namespace striate::spec
