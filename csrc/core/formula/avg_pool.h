// Which elements an average pooling's windows hold, and what each sum is divided by. All of it is
// separable: a window is a range on each axis, and its divisor the product of their counts.
#pragma once

#include "core/formula/window_taps.h"

namespace striate::formula {
namespace {

struct WindowRange {
  int64_t begin, end;  // inside the input
  int64_t count;       // the divisor's factor
};

// The window of output `o`.
STRIATE_FORMULA WindowRange window_range(const AvgPoolProblem& p, int axis, int64_t o) {
  const Window& w = p.window;
  const int64_t in = w.in[axis];
  if (p.adaptive) {
    const int64_t begin = o * in / w.out[axis];
    const int64_t end = ((o + 1) * in + w.out[axis] - 1) / w.out[axis];
    return {begin, end, end - begin};
  }
  const int64_t start = window_origin(w, axis, o);
  const int64_t stop = start + w.kernel[axis];
  const int64_t end = stop < 0 ? 0 : stop < in ? stop : in;
  const int64_t begin = start < 0 ? 0 : start < end ? start : end;
  if (!p.count_include_pad) return {begin, end, end > begin ? end - begin : 1};
  const int64_t padded = in + w.pad_after[axis];
  return {begin, end, (stop < padded ? stop : padded) - start};
}

// The outputs whose windows hold the input's element `i`.
STRIATE_FORMULA Range windows_over(const AvgPoolProblem& p, int axis, int64_t i) {
  const Window& w = p.window;
  const int64_t out = w.out[axis];
  if (p.adaptive) return {i * out / w.in[axis], ((i + 1) * out + w.in[axis] - 1) / w.in[axis]};
  const int64_t last = i + w.pad[axis], first = last - w.kernel[axis] + 1;
  const int64_t end = last / w.stride[axis] + 1;
  const int64_t begin = first > 0 ? (first + w.stride[axis] - 1) / w.stride[axis] : 0;
  return {begin < out ? begin : out, end < out ? end : out};
}

}  // namespace
}  // namespace striate::formula
