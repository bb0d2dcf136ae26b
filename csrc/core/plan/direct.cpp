#include "core/plan/direct.h"

#include "core/integer.h"

namespace striate {

bool rows_fill_vectors(int64_t columns, int lanes) {
  return 5 * columns >= 3 * ceil_div(columns, lanes) * lanes;
}

int64_t flat_vectors(const ImplicitGemm& g, int lanes, int64_t item_size) {
  // Loads of any set of lanes take one instruction on vectors of 64 bytes, several on others.
  constexpr int64_t kVectorBytes = 64;
  // Fewer planes would not be tasks enough.
  constexpr int64_t kFewestPlanes = 16;
  if (lanes * item_size != kVectorBytes || g.batch * g.groups * g.rows < kFewestPlanes) return 0;
  if (g.channels != 1 || g.taps[0] != 1 || g.src[0] != 1 || g.grid[0] != 1) return 0;
  for (int i = 1; i < kSpatial; ++i)
    if (g.src_stride[i] != 1 || g.dst_stride[i] != 1 || g.dst_offset[i] != 0) return 0;
  if (g.src[2] != g.grid[2] || g.dst[2] != g.grid[2] || g.dst[1] != g.grid[1]) return 0;
  if (rows_fill_vectors(g.grid[2], lanes)) return 0;
  const int64_t pixels = g.grid[1] * g.grid[2], taps = g.taps[1] * g.taps[2];
  const int64_t vectors = ceil_div(pixels, lanes);
  if (pixels == 0 || vectors * taps > kFlatSets) return 0;
  // Three loads of some lanes take two cycles; groups as lanes (lanes of them at once) take less
  // for each tap, but a cycle for each pixel's transposes. In cycles times 80 / 3:
  return taps * (40 * vectors - pixels) < 27 * pixels ? vectors : 0;
}

}  // namespace striate
