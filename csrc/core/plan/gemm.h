// A matrix product C = A B over strided matrices, and how it is cut into tasks.
#pragma once

#include "core/plan/tile.h"

namespace striate {

struct Gemm {
  int64_t rows, columns, depth;
  // Elements from one index of each matrix to the next.
  int64_t a_row, a_step;     // A(m, k) = a[m * a_row + k * a_step]
  int64_t b_step, b_column;  // B(k, n) = b[k * b_step + n * b_column]
  int64_t c_row, c_column;

  // Blocking.
  TileShape tile;
  int64_t rows_per_task;    // a multiple of tile.rows
  int64_t panels_per_task;  // of tile.columns columns
  int64_t depth_per_slice;  // terms that are added up in registers
  bool columns_first;  // a slice's panels in turn, each with all rows; or rows, with all panels
  int64_t row_tasks;
  int64_t column_tasks;
};

// Fills in the blocking.
Gemm plan_gemm(Gemm gemm, TileShape tile);

}  // namespace striate
