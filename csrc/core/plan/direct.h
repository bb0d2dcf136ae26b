// Which planes direct convolution takes row by row, and which whole.
#pragma once

#include "core/plan/implicit_gemm.h"

namespace striate {

// Whether rows of this many columns fill enough of their vectors.
bool rows_fill_vectors(int64_t columns, int lanes);

// Vectors that a plane of a depthwise convolution takes where they run from one row into the next
// (cpu/conv/direct_flat.h), or 0 where it does not go that way.
int64_t flat_vectors(const ImplicitGemm& g, int lanes, int64_t item_size);
// Sets of lanes that it finds, one for each vector and tap, are no more than this.
inline constexpr int64_t kFlatSets = 1024;

}  // namespace striate
