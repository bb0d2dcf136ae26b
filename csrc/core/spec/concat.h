// What joins arrays along one axis, and cuts them apart again.
#pragma once

#include "core/shape.h"

namespace striate {

// The joined array seen as rows: all that one index of the axes before the joined one holds. Each
// part has its `width` in every row.
struct ConcatProblem {
  DType dtype;
  int64_t rows;
  int64_t row;  // elements of one
  Shape shape;  // of the joined array
  int axis;
};

namespace spec {

// Writes the width of each of the `count` parts.
ConcatProblem concat(const char* function, const ArrayInfo* arrays, int64_t count, int64_t axis,
                     int64_t* widths);
ConcatProblem concat_grad(const char* function, const ArrayInfo& dy, const int64_t* sizes,
                          int64_t count, int64_t axis, int64_t* widths);

}  // namespace spec
}  // namespace striate
