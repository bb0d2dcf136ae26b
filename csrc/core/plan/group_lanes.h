// Convolution with groups as vector lanes: geometry and blocking; see
// cpu/conv/group_lanes.kernel.cpp.
#pragma once

#include "core/spec/conv.h"

namespace striate {

// Rows or columns [first, end) of the source that some of the result see; they may lie outside it.
struct Reach {
  int64_t first;
  int64_t end;
  int64_t size() const { return end - first; }
};

struct GroupLanes {
  bool input_grad;  // dy is the source and dx the result; else x and y
  int64_t groups;
  int64_t rows;      // result channels of a group
  int64_t channels;  // source channels of a group
  int64_t src[2];
  int64_t dst[2];
  int lanes;

  // Blocking.
  int64_t blocks;  // of `lanes` groups
  int64_t band;    // rows of the result (in a weight gradient, of dy) that a task computes
  int64_t bands;
  Reach columns;  // that are staged, the source's own among them

  // Geometry of an axis (0 rows, 1 columns).
  int64_t kernel[2], stride[2], dilation[2], pad[2];

  Reach reach(int axis, int64_t begin, int64_t end) const;
  // Elements.
  int64_t stage() const;   // of the source, for the tallest band
  int64_t result() const;  // of a band, one channel of each group
  int64_t weights() const { return blocks * rows * channels * kernel[0] * kernel[1] * lanes; }
};

// Whether there are groups enough to fill vectors, in two dimensions.
bool group_lanes_fit(const ConvProblem& problem, int lanes);

GroupLanes plan_group_lanes(const ConvProblem& problem, int lanes, bool input_grad);

// The weight gradient's band holds both x (the source) and dy. Its sums are split into this many
// parts of the samples and bands, added up in order at the end.
int64_t group_lanes_splits(const GroupLanes& g, int64_t batch);

}  // namespace striate
