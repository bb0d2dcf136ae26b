#pragma once

#include "core/shape.h"

namespace striate::spec {

// The number of elements of one array, or of arrays that must agree in dtype and shape.
int64_t elementwise(const char* function, const ArrayInfo& x);
int64_t elementwise(const char* function, const ArrayInfo& a, const ArrayInfo& b);
// The same for operands, which the user may expect to be broadcast.
int64_t arithmetic(const char* function, const ArrayInfo& a, const ArrayInfo& b);

}  // namespace striate::spec
