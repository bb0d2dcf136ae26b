#include "cuda/conv/products.h"

#include "core/check.h"
#include "core/plan/implicit_gemm.h"

namespace striate::cuda {
namespace {

constexpr int64_t kMostPositions = int64_t{1} << 30;  // see index_map.h

int64_t product_of(const int64_t (&size)[kSpatial]) { return size[0] * size[1] * size[2]; }

// The C-ordered strides of an array's spatial axes.
void set_strides(const int64_t (&size)[kSpatial], IndexMap& map) {
  map.stride[2] = 1;
  map.stride[1] = size[2];
  map.stride[0] = size[1] * size[2];
}

IndexMap spatial_map(int64_t outer, int64_t outer_stride, const int64_t (&radix)[kSpatial],
                     const int64_t (&step)[kSpatial], const int64_t (&start)[kSpatial],
                     const int64_t (&size)[kSpatial]) {
  IndexMap map{};
  map.outer = outer;
  map.outer_stride = outer_stride;
  for (int i = 0; i < kSpatial; ++i) {
    map.radix[i] = static_cast<int>(radix[i]);
    map.step[i] = static_cast<int>(step[i]);
    map.start[i] = static_cast<int>(start[i]);
  }
  set_strides(size, map);
  return map;
}

constexpr int64_t kZeros[kSpatial] = {0, 0, 0};
constexpr int64_t kOnes[kSpatial] = {1, 1, 1};

void set_extent(const int64_t (&size)[kSpatial], OperandMap& map) {
  for (int i = 0; i < kSpatial; ++i) map.extent[i] = static_cast<int>(size[i]);
}

// Whole planes of pixels, one after the other: as one axis where that is short enough, so that
// vectors may go across rows.
IndexMap plane_map(int64_t outer, int64_t outer_stride, const int64_t (&size)[kSpatial],
                   OperandMap& operand) {
  const int64_t pixels = product_of(size);
  if (pixels >= kMostPositions) {
    set_extent(size, operand);
    return spatial_map(outer, outer_stride, size, kOnes, kZeros, size);
  }
  const int64_t flat[kSpatial] = {1, 1, pixels};
  set_extent(flat, operand);
  return spatial_map(outer, outer_stride, flat, kOnes, kZeros, flat);
}

// Whether every pixel of the grid meets itself alone.
bool is_pointwise(const ImplicitGemm& g) {
  for (int i = 0; i < kSpatial; ++i) {
    const bool still = g.src_stride[i] == 1 || g.grid[i] == 1;
    if (g.taps[i] != 1 || g.tap_offset[i] != 0 || g.src[i] != g.grid[i] || !still) return false;
  }
  return true;
}

// The source with pixels of the grid as lines, and channels and taps along the depth.
OperandMap source_map(const ImplicitGemm& g) {
  const int64_t plane = product_of(g.src), image = g.groups * g.channels * plane;
  OperandMap map{};
  map.group_stride = g.channels * plane;
  map.depth_major = false;
  if (is_pointwise(g)) {
    map.lines = plane_map(g.batch, image, g.src, map);
    map.depth = plain_map(g.channels, plane);
  } else {
    set_extent(g.src, map);
    map.lines = spatial_map(g.batch, image, g.grid, g.src_stride, kZeros, g.src);
    map.depth = spatial_map(g.channels, plane, g.taps, g.tap_step, g.tap_offset, g.src);
  }
  return map;
}

OperandMap weights_map(const ImplicitGemm& g) {
  OperandMap map{};
  map.group_stride = g.w_group;
  map.lines = plain_map(g.rows, g.w_row);
  const int64_t taps = product_of(g.kernel);
  if (g.w_channel == taps && g.tap_count() == taps) {  // a forward product's: contiguous lines
    set_extent(kOnes, map);
    map.depth = plain_map(g.depth(), 1);
    map.depth_major = true;
  } else if (taps == 1) {
    set_extent(kOnes, map);
    map.depth = plain_map(g.channels, g.w_channel);
    map.depth_major = false;
  } else {
    set_extent(g.kernel, map);
    map.depth = spatial_map(g.channels, g.w_channel, g.taps, g.w_step, g.w_index, g.kernel);
    map.depth_major = true;
  }
  return map;
}

ResultMap destination_map(const ImplicitGemm& g) {
  const int64_t plane = product_of(g.dst);
  ResultMap map{};
  map.row_stride = plane;
  map.columns =
      spatial_map(g.batch, g.groups * g.rows * plane, g.grid, g.dst_stride, g.dst_offset, g.dst);
  map.group_stride = g.rows * plane;
  return map;
}

Product product_over_channels(const ImplicitGemm& g) {
  Product p{};
  p.groups = g.groups;
  p.rows = g.rows;
  p.columns = g.batch * g.grid_size();
  p.depth = g.depth();
  p.a = weights_map(g);
  p.b = source_map(g);
  p.c = destination_map(g);
  return p;
}

}  // namespace

void check_positions(const ConvProblem& p) {
  for (int i = kSpatial - p.rank; i < kSpatial; ++i) {
    const int64_t padded = p.window.in[i] + p.window.pad[i] + p.window.pad_after[i];
    check(padded < kMostPositions && p.window.out[i] < kMostPositions, "convolution on CUDA",
          "a padded spatial axis must have less than 2^30 elements. Got ", padded, ".");
  }
}

Product forward_product(const ConvProblem& problem) {
  return product_over_channels(plan_forward(problem));
}

Product input_grad_product(const ConvProblem& problem, int64_t phase) {
  return product_over_channels(plan_input_grad(problem, phase));
}

Product input_grad_fill(const ConvProblem& problem) {
  const int64_t plane = problem.window.in_size();
  Product p{};
  p.groups = problem.groups;
  p.rows = problem.in_channels / problem.groups;
  p.columns = problem.batch * plane;
  p.c.row_stride = plane;
  p.c.columns = spatial_map(problem.batch, problem.in_channels * plane, problem.window.in, kOnes,
                            kZeros, problem.window.in);
  p.c.group_stride = p.rows * plane;
  return p;
}

Product weight_grad_product(const ConvProblem& problem) {
  const ImplicitGemm g = plan_forward(problem);
  const int64_t plane = product_of(g.dst);
  Product p{};
  p.groups = g.groups;
  p.rows = g.rows;
  p.columns = g.depth();
  p.depth = g.batch * g.grid_size();
  p.a.lines = plain_map(g.rows, plane);
  p.a.depth = plane_map(g.batch, g.groups * g.rows * plane, g.dst, p.a);
  p.a.group_stride = g.rows * plane;
  p.a.depth_major = true;
  // Forward's pixels and taps change places.
  const OperandMap source = source_map(g);
  p.b = source;
  p.b.lines = source.depth;
  p.b.depth = source.lines;
  p.b.depth_major = true;
  p.c.row_stride = p.columns;
  p.c.columns = plain_map(p.columns, 1);
  p.c.group_stride = p.rows * p.columns;
  return p;
}

}  // namespace striate::cuda
