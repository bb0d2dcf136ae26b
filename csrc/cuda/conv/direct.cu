// Convolution with few channels in a group (depthwise, mostly): bound by memory, so that tiles and
// tensor cores would not help. A thread computes four results below each other in one channel,
// neighbouring threads neighbouring columns: a weight, a column's test and its address serve four
// sums, reads of a warp are contiguous where the stride is 1, and what neighbours share comes from
// the first cache. An input gradient runs once for each phase of its stride, whose taps are an
// arithmetic progression, so that nothing is divided and no tap is tried in vain.
#include "core/formula/activation.h"
#include "cuda/conv/direct.h"
#include "cuda/gemm/index_map.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

constexpr int kRows = 4;  // of results for each thread

// An ImplicitGemm whose positions are ints (see check_positions), and its arrays.
template <class T>
struct Direct {
  int64_t groups, rows, channels;
  int src[kSpatial], dst[kSpatial], grid[kSpatial], kernel[kSpatial], taps[kSpatial];
  int src_stride[kSpatial], dst_stride[kSpatial], dst_offset[kSpatial];
  int tap_offset[kSpatial], tap_step[kSpatial], w_index[kSpatial], w_step[kSpatial];
  int64_t w_group, w_row, w_channel;
  int64_t items;  // of kRows results

  const T *source, *mask, *weights, *bias;
  bool relu;
  T* result;
};

STRIATE_DEVICE bool within(int at, int size) {
  return static_cast<unsigned>(at) < static_cast<unsigned>(size);
}
STRIATE_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
STRIATE_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

// Four results: their depth, their first row, and their column in the grid.
template <class T>
__device__ __forceinline__ void add_taps(const Direct<T>& p, const T* source, const T* mask,
                                         const T* weights, const int (&at)[kSpatial],
                                         T (&sums)[kRows]) {
  const int width = p.src[2];
  const int64_t row_stride = static_cast<int64_t>(p.src_stride[1]) * width;
  for (int depth_tap = 0; depth_tap < p.taps[0]; ++depth_tap) {
    const int depth = at[0] * p.src_stride[0] + p.tap_offset[0] + depth_tap * p.tap_step[0];
    if (!within(depth, p.src[0])) continue;
    for (int row_tap = 0; row_tap < p.taps[1]; ++row_tap) {
      const int first = at[1] * p.src_stride[1] + p.tap_offset[1] + row_tap * p.tap_step[1];
      const int64_t w_layer = p.w_index[0] + depth_tap * p.w_step[0];
      const int64_t w_row =
          (w_layer * p.kernel[1] + p.w_index[1] + row_tap * p.w_step[1]) * p.kernel[2] +
          p.w_index[2];
      const int64_t start = (static_cast<int64_t>(depth) * p.src[1] + first) * width;
      for (int tap = 0; tap < p.taps[2]; ++tap) {
        const int column = at[2] * p.src_stride[2] + p.tap_offset[2] + tap * p.tap_step[2];
        if (!within(column, width)) continue;
        const T weight = weights[w_row + tap * p.w_step[2]];
        STRIATE_UNROLL
        for (int r = 0; r < kRows; ++r) {
          if (!within(first + r * p.src_stride[1], p.src[1])) continue;
          const int64_t from = start + r * row_stride + column;
          T value = source[from];
          if (mask != nullptr) value = formula::relu_grad(value, mask[from]);
          sums[r] = multiply_add(weight, value, sums[r]);
        }
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads, 2) direct_kernel(const __grid_constant__ Direct<T> p) {
  const int row_blocks = (p.grid[1] + kRows - 1) / kRows;
  const int64_t plane = static_cast<int64_t>(p.src[0]) * p.src[1] * p.src[2];
  for (int64_t item = thread_index(); item < p.items; item += thread_count()) {
    int at[kSpatial];
    int64_t rest = quotient(item, p.grid[2]);
    at[2] = static_cast<int>(item - rest * p.grid[2]);
    int64_t next = quotient(rest, row_blocks);
    at[1] = static_cast<int>(rest - next * row_blocks) * kRows;
    rest = quotient(next, p.grid[0]);
    at[0] = static_cast<int>(next - rest * p.grid[0]);
    // `rest` counts the result's channels, of all samples.
    next = quotient(rest, p.rows);
    const int64_t row = rest - next * p.rows;
    const int64_t group = next - quotient(next, p.groups) * p.groups;

    T sums[kRows] = {};
    for (int64_t c = 0; c < p.channels; ++c) {
      const int64_t from = (next * p.channels + c) * plane;
      add_taps(p, p.source + from, p.mask == nullptr ? nullptr : p.mask + from,
               p.weights + group * p.w_group + row * p.w_row + c * p.w_channel, at, sums);
    }
    const T bias = p.bias == nullptr ? T(0) : p.bias[group * p.rows + row];
    const int64_t depth = at[0] * p.dst_stride[0] + p.dst_offset[0];
    STRIATE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      if (at[1] + r >= p.grid[1]) break;
      const int64_t line =
          (rest * p.dst[0] + depth) * p.dst[1] + ((at[1] + r) * p.dst_stride[1] + p.dst_offset[1]);
      const T sum = sums[r] + bias;
      p.result[line * p.dst[2] + at[2] * p.dst_stride[2] + p.dst_offset[2]] =
          p.relu ? formula::relu(sum) : sum;
    }
  }
}

void copy_of(const int64_t (&from)[kSpatial], int (&to)[kSpatial]) {
  for (int i = 0; i < kSpatial; ++i) to[i] = static_cast<int>(from[i]);
}

// Strides may be greater than any position where there is one position. The rows below it, whose
// sums are not stored, are looked for all the same, and must be found outside.
void stride_of(const int64_t (&from)[kSpatial], const int64_t (&grid)[kSpatial],
               int (&to)[kSpatial]) {
  for (int i = 0; i < kSpatial; ++i) to[i] = grid[i] == 1 ? 1 : static_cast<int>(from[i]);
}

template <class T>
void run(const ImplicitGemm& g, const T* src, const T* mask, const T* w, const T* bias, bool relu,
         T* dst, const Context& context) {
  Direct<T> p{};
  p.groups = g.groups;
  p.rows = g.rows;
  p.channels = g.channels;
  copy_of(g.src, p.src);
  copy_of(g.dst, p.dst);
  copy_of(g.grid, p.grid);
  copy_of(g.kernel, p.kernel);
  copy_of(g.taps, p.taps);
  stride_of(g.src_stride, g.grid, p.src_stride);
  stride_of(g.dst_stride, g.grid, p.dst_stride);
  copy_of(g.dst_offset, p.dst_offset);
  copy_of(g.tap_offset, p.tap_offset);
  copy_of(g.tap_step, p.tap_step);
  copy_of(g.w_index, p.w_index);
  copy_of(g.w_step, p.w_step);
  p.w_group = g.w_group;
  p.w_row = g.w_row;
  p.w_channel = g.w_channel;
  p.items = g.batch * g.groups * g.rows * g.grid[0] * ceil_div(g.grid[1], kRows) * g.grid[2];
  p.source = src;
  p.mask = mask;
  p.weights = w;
  p.bias = bias;
  p.relu = relu;
  p.result = dst;
  launch("direct convolution", direct_kernel<T>, blocks_for(p.items), kThreads, 0, context, p);
}

}  // namespace

void direct_conv(const ImplicitGemm& geometry, const float* src, const float* mask, const float* w,
                 const float* bias, bool relu, float* dst, const Context& context) {
  run(geometry, src, mask, w, bias, relu, dst, context);
}
void direct_conv(const ImplicitGemm& geometry, const double* src, const double* mask,
                 const double* w, const double* bias, bool relu, double* dst,
                 const Context& context) {
  run(geometry, src, mask, w, bias, relu, dst, context);
}

}  // namespace striate::cuda
