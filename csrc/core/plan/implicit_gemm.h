// Convolution as matrix products over pixels: their geometry. How they are blocked is in
// implicit_gemm_plan.h.
#pragma once

#include "core/spec/conv.h"

namespace striate {

// One implicit matrix product: for every group g, result row m and pixel q of a grid
//   dst[n, g, m, q * dst_stride + dst_offset] =
//       sum over channels c and taps t of  w[g, m, c, t] * src[n, g, c, q * src_stride + offset(t)]
// where what lies outside src counts as zero. A forward convolution is one of these, and so is each
// phase of an input gradient. Taps are a product of one arithmetic progression for each axis.
struct ImplicitGemm {
  int64_t batch;
  int64_t groups;
  int64_t rows;      // of one group
  int64_t channels;  // of one group
  int64_t src[kSpatial];
  int64_t dst[kSpatial];
  int64_t grid[kSpatial];
  int64_t src_stride[kSpatial];
  int64_t dst_stride[kSpatial];
  int64_t dst_offset[kSpatial];
  int64_t taps[kSpatial];
  int64_t tap_offset[kSpatial];  // source offset of the first tap
  int64_t tap_step[kSpatial];    // from one tap to the next
  int64_t w_index[kSpatial];     // kernel position of the first tap
  int64_t w_step[kSpatial];
  int64_t kernel[kSpatial];
  // Elements of w from one group, row or channel to the next.
  int64_t w_group;
  int64_t w_row;
  int64_t w_channel;

  int64_t tap_count() const { return taps[0] * taps[1] * taps[2]; }
  int64_t grid_size() const { return grid[0] * grid[1] * grid[2]; }
  int64_t depth() const { return channels * tap_count(); }
};

ImplicitGemm plan_forward(const ConvProblem& problem);

// Whether the window moves by two, and finds no more even rows and columns in the source than the
// grid has, so that parts as large as the grid have room for them; see cpu/conv/parted_pixels.h.
bool can_part(const ImplicitGemm& product);
inline constexpr int64_t kMostPartedTaps = 64;

// The pixels of dx fall into phases by their remainders modulo the stride; each meets its own taps.
int64_t input_grad_phases(const ConvProblem& problem);
ImplicitGemm plan_input_grad(const ConvProblem& problem, int64_t phase);
// Calls body(argument, product) for each phase, in order. (plan_input_grad looks at all positions
// of the kernel, each time.)
void for_each_input_grad_phase(const ConvProblem& problem,
                               void (*body)(void* argument, const ImplicitGemm& product),
                               void* argument);
// Whether some pixels of dx meet no tap at all, and are zero.
bool input_grad_has_gaps(const ConvProblem& problem);
// All phases as rows of one product, [phase][channel], over the union of their taps: what a phase
// does not meet counts as zero. The windows must not be dilated.
ImplicitGemm plan_stacked_input_grad(const ConvProblem& problem);

}  // namespace striate
