// A matrix product C = A B over implicit matrices, for each of some groups: what is computed, as
// the three directions of a convolution and of a linear layer state it (conv/products.h,
// linear/products.h), and how it is cut into blocks.
#pragma once

#include "cuda/gemm/index_map.h"

namespace striate::cuda {

// A (rows x depth), or B (columns x depth): `lines` are its rows or columns.
struct OperandMap {
  IndexMap lines, depth;
  int extent[kSpatial];  // of the array's spatial axes; 1 where a map has none
  int64_t group_stride;
  // Whether neighbours along the depth are neighbours in memory, rather than neighbouring lines.
  bool depth_major;
};

struct ResultMap {
  int64_t row_stride;
  IndexMap columns;
  int64_t group_stride;
  bool bias_on_columns;  // rather than on rows
};

struct Product {
  int64_t groups, rows, columns, depth;
  OperandMap a, b;  // a's lines are a plain map
  ResultMap c;
};

// Which numbers are multiplied how.
enum class GemmMath : uint8_t {
  tensor_cores,  // float32 rounded to TF32, sums in float32
  fma,           // float32 or float64
  dots           // the same, a few results for each block: see dots.cu
};

enum class GemmTile : uint8_t { large, small };  // 128x128, 64x64

struct GemmPlan {
  GemmMath math;
  GemmTile tile;
  int row_tiles, column_tiles;
  int depth_tiles, depth_tiles_per_split;
  int splits;         // of the depth, each with sums of its own, which are added in order
  int64_t workspace;  // bytes for those sums; none where there is one split
};

// Depends on the product and the arguments alone, never on the device. No more than
// `most_workspace` bytes are taken; -1: no limit.
GemmPlan plan_gemm(const Product& product, GemmMath math, int item_size, int64_t most_workspace);

// `product` with a copy of A whose lines are contiguous along the depth.
Product with_packed_a(Product product);

// The same for GemmMath::dots.
GemmPlan plan_dots(const Product& product, int item_size, int64_t most_workspace);
inline constexpr int kDotThreads = 256, kDotColumns = 9;  // as many as a 3x3 filter has

// Whether 16-byte accesses can read an operand, if its pointers are aligned to them.
bool reads_vectors(const OperandMap& operand, int item_size);

}  // namespace striate::cuda
