// The weight gradient of a convolution as a product over pixels: dw[o, c, k] = sum over pixels q of
// dy[o, q] * x[c, q * s + k * d - pad]. A task owns some outputs (vector lanes) and some channels
// of a slice of the pixels. For one block of pixels after another it transposes dy to
// [pixel][output], copies x with its padding if there is any, and then, for a few pairs (channel,
// kernel position) at a time, broadcasts their pixels of x against dy's vectors: no im2col, any
// stride, since a pair is just a pointer. Where outputs and channels alone make too few tasks,
// slices have sums of their own, which are added in order.
#include "core/formula/activation.h"
#include "core/plan/conv_weight_grad.h"
#include "core/plan/implicit_gemm.h"
#include "cpu/conv/broadcast.h"
#include "cpu/conv/direct.h"
#include "cpu/conv/group_lanes.h"
#include "cpu/conv/winograd_lanes.h"
#include "cpu/conv/winograd_weight_grad.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// A block of output pixels, in one plane of each of its samples.
struct Block {
  int64_t sample, samples;
  int64_t depth;
  int64_t row, rows;
  int64_t column, columns;
  int64_t pixels() const { return samples * rows * columns; }
};

Block block_at(const ConvWeightGrad& g, int64_t index) {
  const ConvProblem& p = g.problem;
  const Window& w = p.window;
  Block b;
  b.column = index % g.column_blocks() * g.columns_per_block;
  index /= g.column_blocks();
  b.row = index % g.row_blocks() * g.rows_per_block;
  index /= g.row_blocks();
  b.depth = index % w.out[0];
  b.sample = index / w.out[0] * g.samples_per_block;
  b.columns = least(w.out[2] - b.column, g.columns_per_block);
  b.rows = least(w.out[1] - b.row, g.rows_per_block);
  b.samples = least(p.batch - b.sample, g.samples_per_block);
  return b;
}

// `pixels` consecutive pixels of `live` rows of dy, `plane` apart, as [pixel][width]. Further lanes
// repeat the last row.
template <class T>
void transpose_run(const T* dy, const T* y, int64_t plane, int live, int64_t pixels, int64_t width,
                   T* out) {
  constexpr int piece = kPiece<T>;
  if (pixels < piece) {
    for (int64_t i = 0; i < pixels; ++i)
      for (int l = 0; l < Vec<T>::lanes; ++l) {
        const int64_t at = least(l, live - 1) * plane + i;
        out[i * width + l] = y == nullptr ? dy[at] : formula::relu_grad(dy[at], y[at]);
      }
    return;
  }
  const PieceRows<T> rows(plane, live);
  for (int64_t i = 0; i < pixels; i += piece) {
    if (i > pixels - piece) i = pixels - piece;  // the last piece overlaps the one before
    Vec<T> column[piece];
    load_columns(dy + i, rows, column);
    if (y != nullptr) {
      Vec<T> mask[piece];
      load_columns(y + i, rows, mask);
#pragma GCC unroll 4
      for (int k = 0; k < piece; ++k) column[k] = formula::relu_grad(column[k], mask[k]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < piece; ++k) column[k].store(out + (i + k) * width);
  }
}

// dy of `outputs` outputs as [pixel][width], masked by the activation's output if there is one.
template <class T>
void transpose_dy(const ConvProblem& p, const Block& b, const T* dy, const T* y, int64_t outputs,
                  int64_t width, T* out) {
  const Window& w = p.window;
  const int64_t plane = w.out_size();
  const bool whole = b.columns == w.out[2];  // rows follow one another
  const int64_t runs = whole ? 1 : b.rows, pixels = whole ? b.rows * b.columns : b.columns;
  for (int64_t s = 0; s < b.samples; ++s) {
    for (int64_t r = 0; r < runs; ++r) {
      const int64_t start = (b.sample + s) * p.out_channels * plane +
                            (b.depth * w.out[1] + b.row + r) * w.out[2] + b.column;
      for (int64_t o = 0; o < outputs; o += Vec<T>::lanes) {
        const int64_t at = start + o * plane;
        transpose_run(dy + at, y == nullptr ? nullptr : y + at, plane,
                      static_cast<int>(least(Vec<T>::lanes, outputs - o)), pixels, width, out + o);
      }
      out += pixels * width;
    }
  }
}

// The patch of one channel and sample, [kernel depth][patch_rows][patch_columns], zeros outside x.
template <class T>
void copy_patch(const ConvWeightGrad& g, const Block& b, const T* x, T* out) {
  const Window& w = g.problem.window;
  const int64_t rows = (b.rows - 1) * w.stride[1] + (w.kernel[1] - 1) * w.dilation[1] + 1;
  const int64_t columns = (b.columns - 1) * w.stride[2] + (w.kernel[2] - 1) * w.dilation[2] + 1;
  const int64_t first = b.column * w.stride[2] - w.pad[2];
  const int64_t left = first < 0 ? least(-first, columns) : 0;
  const int64_t inside = least(w.in[2] - first, columns);
  for (int64_t k = 0; k < w.kernel[0]; ++k) {
    const int64_t depth = b.depth * w.stride[0] + k * w.dilation[0] - w.pad[0];
    for (int64_t r = 0; r < rows; ++r) {
      T* to = out + (k * g.patch_rows + r) * g.patch_columns;
      const int64_t row = b.row * w.stride[1] + r - w.pad[1];
      const bool outside = depth < 0 || depth >= w.in[0] || row < 0 || row >= w.in[1];
      const int64_t begin = outside || inside <= left ? columns : left;
      const int64_t end = begin == columns ? columns : inside;
      for (int64_t i = 0; i < begin; ++i) to[i] = T(0);
      if (begin < end) {
        const T* from = x + (depth * w.in[1] + row) * w.in[2] + first;
        for_each_vector<T>(begin, end,
                           [&](int64_t i, int n) { Vec<T>::load(from + i, n).store(to + i, n); });
      }
      for (int64_t i = end; i < columns; ++i) to[i] = T(0);
    }
  }
}

template <class T>
class Broadcast {
 public:
  Broadcast(const ConvWeightGrad& plan, const T* gradient, const T* input, const T* output,
            T* result)
      : g(plan), dy(gradient), x(input), y(output), dw(result) {}

  const ConvWeightGrad& g;
  const T *dy, *x, *y;
  T* dw;

  // What one task owns of a group.
  struct Share {
    int64_t group;
    int64_t first_channel, channels;
    int64_t first_block, end_block;  // of outputs
  };
  Share share_at(int64_t index) const {
    const int64_t channels = g.problem.in_channels / g.problem.groups;
    const int64_t c = index % g.channel_shares, o = index / g.channel_shares % g.output_shares;
    Share s;
    s.group = index / g.channel_shares / g.output_shares;
    s.first_channel = channels * c / g.channel_shares;
    s.channels = channels * (c + 1) / g.channel_shares - s.first_channel;
    s.first_block = g.output_blocks * o / g.output_shares;
    s.end_block = g.output_blocks * (o + 1) / g.output_shares;
    return s;
  }
  int64_t group_outputs() const { return g.problem.out_channels / g.problem.groups; }
  // Outputs go in vectors, blocks of outputs in nearly even numbers of them.
  int64_t first_vector(int64_t block) const {
    return ceil_div(group_outputs(), Vec<T>::lanes) * block / g.output_blocks;
  }

  // Elements of x from one channel, sample, row and column to the next, as the pairs see them.
  struct Steps {
    int64_t channel, sample, depth, row;
  };
  Steps steps() const {
    const Window& w = g.problem.window;
    if (g.in_place)
      return {w.in_size(), g.problem.in_channels * w.in_size(), w.in[1] * w.in[2] * w.dilation[0],
              w.in[2]};
    const int64_t depth = g.patch_rows * g.patch_columns, sample = w.kernel[0] * depth;
    return {g.samples_per_block * sample, sample, depth, g.patch_columns};
  }

  // Where each pair's first pixel lies.
  void find_pairs(int64_t channels, int64_t* offset) const {
    const Window& w = g.problem.window;
    const Steps step = steps();
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t d = 0; d < w.kernel[0]; ++d)
        for (int64_t i = 0; i < w.kernel[1]; ++i)
          for (int64_t j = 0; j < w.kernel[2]; ++j)
            *offset++ = c * step.channel + d * step.depth + i * w.dilation[1] * step.row +
                        j * w.dilation[2];
  }

  // The pixels of x that the block meets: where they lie, or copied.
  const T* pixels_of(const Share& s, const Block& b, T* patches) const {
    const ConvProblem& p = g.problem;
    const Window& w = p.window;
    const Steps step = steps();
    const int64_t channel = s.group * (p.in_channels / p.groups) + s.first_channel;
    const T* from = x + (b.sample * p.in_channels + channel) * w.in_size();
    if (g.in_place)
      return from + (b.depth * w.stride[0] * w.in[1] + b.row * w.stride[1]) * w.in[2] +
             b.column * w.stride[2];
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t n = 0; n < b.samples; ++n)
        copy_patch(g, b, from + (n * p.in_channels + c) * w.in_size(),
                   patches + c * step.channel + n * step.sample);
    return patches;
  }

  // sums[output block][pair][output] of one share and slice.
  void run(int64_t share, int64_t slice, void* memory, T* sums) const {
    const Share s = share_at(share);
    const Window& w = g.problem.window;
    const int64_t pairs = s.channels * w.kernel_size();
    char* at = static_cast<char*>(memory);
    const auto take = [&](int64_t bytes) {
      char* part = at;
      at += (bytes + 63) / 64 * 64;
      return part;
    };
    constexpr int64_t item = sizeof(T);
    T* transposed = reinterpret_cast<T*>(take(g.dy_size() * item));
    T* patches = reinterpret_cast<T*>(take(g.patch_size() * item));
    int64_t* offset = reinterpret_cast<int64_t*>(take(pairs * 8));
    find_pairs(s.channels, offset);

    const Steps step = steps();
    const int64_t first = g.blocks() * slice / g.slices, end = g.blocks() * (slice + 1) / g.slices;
    const int64_t plane = w.out_size();
    for (int64_t i = first; i < end; ++i) {
      const Block b = block_at(g, i);
      const PixelGrid grid{b.samples,  b.rows, b.columns, step.sample, w.stride[1] * step.row,
                           w.stride[2]};
      const T* pixels = pixels_of(s, b, patches);
      T* to = sums;
      for (int64_t o = s.first_block; o < s.end_block; ++o) {
        const int64_t output = first_vector(o) * Vec<T>::lanes;
        const int vectors = static_cast<int>(first_vector(o + 1) - first_vector(o));
        const int64_t width = vectors * Vec<T>::lanes;
        const int64_t start = (s.group * group_outputs() + output) * plane;
        transpose_dy(g.problem, b, dy + start, y == nullptr ? nullptr : y + start,
                     least(width, group_outputs() - output), width, transposed);
        for (int64_t k = 0; k < pairs; k += kBroadcastPairs) {
          const int live = static_cast<int>(least(kBroadcastPairs, pairs - k));
          const T* pair[kBroadcastPairs];
          for (int j = 0; j < live; ++j) pair[j] = pixels + offset[k + j];
          multiply_pairs<T>(vectors, grid, pair, live, transposed, to + k * width, i > first);
        }
        to += pairs * width;
      }
    }
    if (first == end) __builtin_memset(sums, 0, static_cast<size_t>(g.sums_size()) * sizeof(T));
  }

  void write(int64_t share, const T* sums) const {
    const Share s = share_at(share);
    const int64_t taps = g.problem.window.kernel_size(), pairs = s.channels * taps;
    const int64_t row = g.problem.in_channels / g.problem.groups * taps;
    for (int64_t o = s.first_block; o < s.end_block; ++o) {
      const int64_t output = first_vector(o) * Vec<T>::lanes;
      const int64_t width = (first_vector(o + 1) - first_vector(o)) * Vec<T>::lanes;
      write_weights(sums, pairs, width, least(width, group_outputs() - output),
                    dw + (s.group * group_outputs() + output) * row + s.first_channel * taps, row);
      sums += pairs * width;
    }
  }
};

template <class T>
void broadcast_weight_grad(const ConvWeightGrad& g, const T* dy, const T* x, const T* y, T* dw,
                           const Context& context) {
  if (g.problem.out_channels == 0 || g.problem.in_channels == 0) return;
  const Broadcast<T> task(g, dy, x, y, dw);
  const size_t scratch = static_cast<size_t>(g.scratch());
  if (g.slices == 1) {
    parallel_for(context, g.shares(), scratch, [&](int64_t share, void* memory) {
      T* sums = static_cast<T*>(memory);
      task.run(share, 0, sums + (g.sums_size() + 15) / 16 * 16, sums);
      task.write(share, sums);
    });
    return;
  }
  const Workspace<T> workspace(context, g.shared_sums());
  const auto sums_of = [&](int64_t share, int64_t slice) {
    return workspace.data() + (share * g.slices + slice) * g.sums_size();
  };
  parallel_for(context, g.shares() * g.slices, scratch, [&](int64_t i, void* memory) {
    const int64_t share = i / g.slices, slice = i % g.slices;
    task.run(share, slice, memory, sums_of(share, slice));
  });
  parallel_for(context, g.shares(), 0, [&](int64_t share, void*) {
    add_slices(sums_of(share, 0), g.sums_size(), g.slices, g.sums_size());
    task.write(share, sums_of(share, 0));
  });
}

template <class T>
constexpr TileShape kTile = {kBroadcastPairs, kBroadcastVectors * Vec<T>::lanes};

template <class T>
void weight_grad(const ConvProblem& problem, ConvAlgorithm algorithm, const T* dy, const T* x,
                 const T* y, T* dw, const Context& context) {
  if constexpr (sizeof(T) == 4) {
    if (is_winograd(algorithm) &&
        winograd_weight_grad(plan_winograd_weight_grad(problem, kTile<T>), dy, x, y, dw, context))
      return;
    if (algorithm == ConvAlgorithm::winograd_lanes &&
        winograd_lanes_weight_grad(plan_winograd_lanes_weight_grad(problem, Vec<T>::lanes), dy, x,
                                   y, dw, context))
      return;
  }
  if (algorithm == ConvAlgorithm::group_lanes)
    return group_lanes_weight_grad(plan_group_lanes(problem, Vec<T>::lanes, false), problem, dy, x,
                                   y, dw, context);
  if (algorithm == ConvAlgorithm::direct)
    return direct_weight_grad(plan_forward(problem), dy, x, y, dw, context);
  const bool workspace = algorithm == ConvAlgorithm::broadcast;
  broadcast_weight_grad(plan_weight_grad(problem, kTile<T>, workspace), dy, x, y, dw, context);
}

}  // namespace

const ConvWeightGradKernels<float> conv_weight_grad_f32 = {kTile<float>, weight_grad<float>};
const ConvWeightGradKernels<double> conv_weight_grad_f64 = {kTile<double>, weight_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
