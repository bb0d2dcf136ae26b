// Direct sums over flat planes: geometry and blocking; see cpu/conv/flat_planes.kernel.cpp.
#pragma once

#include "core/plan/conv_patch.h"
#include "core/plan/tile.h"

namespace striate {

struct FlatPlanes {
  ImplicitGemm product;
  ConvPatch patch;  // what a band sees of one channel
  int64_t band;     // rows of the result that a task computes
  int64_t bands;

  int64_t tasks() const { return product.batch * product.groups * bands; }
  // Elements: of what a band sees, and with what the last vectors of a tile may read behind it.
  int64_t stage() const { return product.channels * patch.channel_size(); }
  int64_t scratch(int64_t tile_columns) const { return stage() + tile_columns + patch.extent[2]; }
};

// Whether the window moves by one, in two dimensions, over rows that are not too long, and a sum
// has no more terms than registers should add up (kDepthBlock).
bool flat_planes_fit(const ConvProblem& problem, bool input_grad);

FlatPlanes plan_flat_planes(const ConvProblem& problem, bool input_grad);

}  // namespace striate
