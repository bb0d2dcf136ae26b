// Which taps of a pooling window lie inside the input.
#pragma once

#include "core/formula/inline.h"
#include "core/integer.h"
#include "core/spec/pool.h"

namespace striate::formula {
namespace {

// From the first to the last input element that a window covers along `axis`.
STRIATE_FORMULA int64_t window_extent(const Window& w, int axis) {
  return (w.kernel[axis] - 1) * w.dilation[axis] + 1;
}

// Where the window of output `o` starts; negative in the padding.
STRIATE_FORMULA int64_t window_origin(const Window& w, int axis, int64_t o) {
  return o * w.stride[axis] - w.pad[axis];
}

// The taps inside the input for output `o`; of size 0 or less for none.
STRIATE_FORMULA Range taps_inside(const Window& w, int axis, int64_t o) {
  const int64_t start = window_origin(w, axis, o);
  const int64_t room = w.in[axis] - 1 - start, dilation = w.dilation[axis];
  Range taps = {0, w.kernel[axis]};
  // Few windows are dilated: the others are spared the divisions.
  if (start < 0) taps.begin = dilation == 1 ? -start : ceil_div(-start, dilation);
  if (room < window_extent(w, axis) - 1)
    taps.end = room < 0 ? 0 : dilation == 1 ? room + 1 : room / dilation + 1;
  return taps;
}

}  // namespace
}  // namespace striate::formula
