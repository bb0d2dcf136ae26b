// A block's share of the source, copied with its padding: see cpu/conv/conv_patch.h.
#pragma once

#include "core/plan/implicit_gemm.h"

namespace striate {

// What the taps of all products see of the source around one block of result rows, with its
// padding and, where the window moves by several pixels, parted by the remainder modulo the stride:
// [channel][remainder][depth][row][column], where each tap lies at a fixed distance from a pixel.
// The padding at a row's end is also that of the next row's start.
struct ConvPatch {
  int64_t parts[kSpatial];    // remainders
  int64_t lowest[kSpatial];   // of the taps' distances, and at most 0
  int64_t highest[kSpatial];  // and at least 0
  int64_t extent[kSpatial];

  ConvPatch() = default;
  // Of products over the grid of `first`: each adds its taps, then a block's rows are set.
  explicit ConvPatch(const ImplicitGemm& first);
  void add_taps(const ImplicitGemm& product);
  void set_rows(const ImplicitGemm& first, int64_t rows);

  int64_t part_size() const { return extent[0] * extent[1] * extent[2]; }
  int64_t channel_size() const { return parts[0] * parts[1] * parts[2] * part_size(); }
  // Whether one channel takes at most this many elements; nothing overflows.
  bool channel_fits(int64_t elements) const;
  // From a pixel to what a tap at this offset of the source sees.
  int64_t distance(const int64_t* offset) const;
};

}  // namespace striate
