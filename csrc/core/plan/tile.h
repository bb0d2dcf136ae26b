// The register tile of a matrix product, which an instruction set fixes: `rows` values of one
// operand are broadcast against `columns` lanes of the other.
#pragma once

#include <cstdint>

namespace striate {

struct TileShape {
  int rows;
  int columns;
  int lanes = 0;  // of a vector, where a plan asks
};

// Terms that are added up in registers before they join the result: more would lose accuracy (each
// block starts at zero), fewer would reload the tile too often. The same for every ISA.
inline constexpr int64_t kDepthBlock = 448;

}  // namespace striate
