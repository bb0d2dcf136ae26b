#include "core/spec/shapes.h"

namespace striate::spec {

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (int i = 0; i < shape.rank; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape.dim[i]);
  }
  if (shape.rank == 1) text += ",";
  return text + ")";
}

int64_t element_count(const char* function, const char* what, const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (int i = 0; i < shape.rank; ++i) {
    check(shape.dim[i] >= 0, function, what, " must have no negative axis. Got shape ",
          to_string(shape), ".");
    empty = empty || shape.dim[i] == 0;
  }
  // Empty axes are left out, as NumPy does, which refuses what overflows without them.
  for (int i = 0; i < shape.rank; ++i) {
    if (shape.dim[i] == 0) continue;
    const bool overflow = __builtin_mul_overflow(count, shape.dim[i], &count);
    check(!overflow && count <= INT64_MAX / 16, function, what,
          " must have fewer than 2^59 elements. Got shape ", to_string(shape), ".");
  }
  return empty ? 0 : count;
}

void check_rank(const char* function, const ArrayInfo& array, int rank, const char* layout) {
  check(array.shape.rank == rank, function, array.name, " must have ", rank, " axes ", layout,
        ". Got shape ", to_string(array.shape), ".");
}

void check_same_dtype(const char* function, const ArrayInfo& a, const ArrayInfo& b) {
  if (a.dtype != b.dtype) {
    fail<TypeError>(function, a.name, " and ", b.name, " must have the same dtype. Got ", a.name,
                    "=", name_of(a.dtype), ", ", b.name, "=", name_of(b.dtype), ".");
  }
}

bool operator==(const Shape& a, const Shape& b) {
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; ++i)
    if (a.dim[i] != b.dim[i]) return false;
  return true;
}

void check_shape(const char* function, const ArrayInfo& array, const Shape& expected) {
  check(array.shape == expected, function, array.name, " must have shape ", to_string(expected),
        ". Got ", to_string(array.shape), ".");
}

int normalize_axis(const char* function, int64_t axis, int rank) {
  check(axis >= -rank && axis < rank, function, "axis must be in [", -rank, ", ", rank,
        "). Got axis=", axis, ".");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace striate::spec
