#include "core/spec/elementwise.h"

#include "core/spec/shapes.h"

namespace striate::spec {

int64_t elementwise(const char* function, const ArrayInfo& x) {
  return element_count(function, x.name, x.shape);
}

int64_t elementwise(const char* function, const ArrayInfo& a, const ArrayInfo& b) {
  check_same_dtype(function, a, b);
  check_shape(function, b, a.shape);
  return element_count(function, a.name, a.shape);
}

int64_t arithmetic(const char* function, const ArrayInfo& a, const ArrayInfo& b) {
  check_same_dtype(function, a, b);
  check(a.shape == b.shape, function, a.name, " and ", b.name,
        " must have the same shape; nothing is broadcast. Got ", to_string(a.shape), ", ",
        to_string(b.shape), ".");
  return element_count(function, a.name, a.shape);
}

}  // namespace striate::spec
