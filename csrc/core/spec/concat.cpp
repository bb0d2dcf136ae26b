#include "core/spec/concat.h"

#include "core/spec/shapes.h"

namespace striate::spec {
namespace {

// Fills in the rows; returns how many elements one step along the axis has in a row.
int64_t set_rows(const char* function, const char* what, ConcatProblem& p) {
  const bool empty = element_count(function, what, p.shape) == 0;
  p.rows = p.row = empty ? 0 : 1;
  int64_t step = p.row;
  for (int i = 0; i < p.shape.rank && !empty; ++i) {
    (i < p.axis ? p.rows : p.row) *= p.shape[i];
    if (i > p.axis) step *= p.shape[i];
  }
  return step;
}

}  // namespace

ConcatProblem concat(const char* function, const ArrayInfo* arrays, int64_t count, int64_t axis,
                     int64_t* widths) {
  check(count > 0, function, "arrays must not be empty. Got 0 arrays.");
  const ArrayInfo& first = arrays[0];
  ConcatProblem p;
  p.dtype = first.dtype;
  p.shape = first.shape;
  check(first.shape.rank > 0, function, "arrays must have at least 1 axis. Got shape ().");
  p.axis = normalize_axis(function, axis, first.shape.rank);
  for (int64_t i = 1; i < count; ++i) {
    check_same_dtype(function, first, arrays[i]);
    Shape expected = arrays[i].shape;
    if (expected.rank == first.shape.rank) expected.dim[p.axis] = first.shape[p.axis];
    check(expected == first.shape, function, "arrays must have the same shape but for axis ",
          p.axis, ". Got ", first.name, " of shape ", to_string(first.shape), ", ", arrays[i].name,
          " of shape ", to_string(arrays[i].shape), ".");
    check(
        !__builtin_add_overflow(p.shape.dim[p.axis], arrays[i].shape[p.axis], &p.shape.dim[p.axis]),
        function, "the result must have fewer than 2^59 elements. Got ", arrays[i].name,
        " of shape ", to_string(arrays[i].shape), ".");
  }
  const int64_t step = set_rows(function, "the result", p);
  for (int64_t i = 0; i < count; ++i) widths[i] = arrays[i].shape[p.axis] * step;
  return p;
}

ConcatProblem concat_grad(const char* function, const ArrayInfo& dy, const int64_t* sizes,
                          int64_t count, int64_t axis, int64_t* widths) {
  ConcatProblem p;
  p.dtype = dy.dtype;
  p.shape = dy.shape;
  check(dy.shape.rank > 0, function, "dy must have at least 1 axis. Got shape ().");
  p.axis = normalize_axis(function, axis, dy.shape.rank);
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) {
    check(sizes[i] >= 0, function, "sizes must be at least 0. Got sizes[", i, "]=", sizes[i], ".");
    check(!__builtin_add_overflow(total, sizes[i], &total), function,
          "the sum of sizes must be below 2^63. Got sizes[", i, "]=", sizes[i], ".");
  }
  check(total == dy.shape[p.axis], function, "sizes must add up to dy.shape[", p.axis,
        "]. Got a sum of ", total, ", dy of shape ", to_string(dy.shape), ".");
  const int64_t step = set_rows(function, dy.name, p);
  for (int64_t i = 0; i < count; ++i) widths[i] = sizes[i] * step;
  return p;
}

}  // namespace striate::spec
