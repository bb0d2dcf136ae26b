// The geometry of a sliding window, shared by convolution and pooling.
#pragma once

#include "core/shape.h"

namespace striate {

// Depth, height, width: what has fewer axes leaves the leading ones at size 1.
inline constexpr int kSpatial = 3;

struct Window {
  int64_t in[kSpatial];
  int64_t out[kSpatial];
  int64_t kernel[kSpatial];
  int64_t stride[kSpatial];
  int64_t dilation[kSpatial];
  int64_t pad[kSpatial];        // before the first element
  int64_t pad_after[kSpatial];  // after the last; a window in ceil_mode may reach further

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// A spatial argument as the user gave it: one number for every axis, or one for each.
inline constexpr int kEveryAxis = -1;
struct SpatialArg {
  int count = 0;  // how many numbers; 0: not given; kEveryAxis: value[0] holds for all axes
  int64_t value[kSpatial] = {};
};

struct PaddingArg {
  enum class Kind : uint8_t { numbers, same, valid };
  Kind kind = Kind::numbers;
  int count = kEveryAxis;  // as in SpatialArg
  int64_t before[kSpatial] = {};
  int64_t after[kSpatial] = {};
};

namespace spec {

struct WindowArgs {
  SpatialArg kernel;
  SpatialArg stride;  // not given: the kernel
  SpatialArg dilation{kEveryAxis, {1}};
  PaddingArg padding;
  bool ceil_mode = false;
};

// Fills the last `rank` entries of `before` and `after`; `padding` must be numbers.
void resolve_padding(const char* function, int rank, const PaddingArg& padding, int64_t* before,
                     int64_t* after);

// `in` are the `rank` spatial sizes of the input. Every rule about windows is checked here.
Window resolve_window(const char* function, int rank, const int64_t* in, const WindowArgs& args);

// The convolution whose input gradient a transposed convolution is: `out` are the `rank` spatial
// sizes of the transposed one's input, and what it returns has its output as `in`.
Window resolve_transposed_window(const char* function, int rank, const int64_t* out,
                                 const WindowArgs& args, const SpatialArg& output_padding);

// (N, C, H, W) and the like, for messages.
const char* image_layout(int rank);

}  // namespace spec
}  // namespace striate
