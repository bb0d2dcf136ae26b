// Checks that every spec shares. All of them throw an error that names the function.
#pragma once

#include <string>

#include "core/check.h"
#include "core/shape.h"

namespace striate::spec {

std::string to_string(const Shape& shape);

// The number of elements; an error when it, or its size in bytes as float64, overflows int64, be it
// only without the empty axes.
int64_t element_count(const char* function, const char* what, const Shape& shape);

void check_rank(const char* function, const ArrayInfo& array, int rank, const char* layout);
void check_same_dtype(const char* function, const ArrayInfo& a, const ArrayInfo& b);
void check_shape(const char* function, const ArrayInfo& array, const Shape& expected);

bool operator==(const Shape& a, const Shape& b);

// Maps a negative axis to its place; an error outside [-rank, rank).
int normalize_axis(const char* function, int64_t axis, int rank);

template <class... Dims>
Shape make_shape(Dims... dims) {
  Shape shape;
  ((shape.dim[shape.rank++] = dims), ...);
  return shape;
}

}  // namespace striate::spec
