// A product and its pointers, as a kernel gets them.
#pragma once

#include "core/formula/activation.h"
#include "cuda/gemm/product.h"

namespace striate::cuda {

template <class T>
struct Operand {
  const T* data;
  const T* mask;  // the output of a ReLU, whose gradient is taken of each element; or null
  OperandMap map;
  Digits depth_step;  // from one tile of the depth to the next
  bool vectors;       // 16 bytes at once
};

template <class T>
struct Result {
  T* data;
  const T* bias;  // or null
  bool relu;
  ResultMap map;
};

template <class T>
struct GemmArguments {
  Operand<T> a, b;
  Result<T> c;
  int64_t groups, rows, columns;
  GemmPlan plan;
  T* partial;  // [split][group][row][column] where there are several splits
};

// What becomes of a finished sum.
template <class T>
STRIATE_DEVICE void store_result(const Result<T>& c, int64_t rows, int64_t columns, int64_t group,
                                 int64_t row, int64_t column, const Place& column_place, T sum) {
  if (c.bias != nullptr) {
    sum += c.map.bias_on_columns ? c.bias[group * columns + column] : c.bias[group * rows + row];
  }
  if (c.relu) sum = formula::relu(sum);
  c.data[group * c.map.group_stride + row * c.map.row_stride + column_place.offset] = sum;
}

}  // namespace striate::cuda
