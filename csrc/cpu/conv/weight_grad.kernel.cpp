// The weight gradient of a convolution: dw[o, c, k] = sum over pixels of dy[o, q] * x[c, q * s + k
// * d
// - pad]. A task owns some outputs (vector lanes) and some channels, so that no sum is ever split.
// For one block of pixels after another it transposes dy to [pixel][output], copies x with its
// padding, and then, for a few (channel, kernel position) pairs at a time, broadcasts their pixels
// of x against dy's vectors: no im2col, any stride, since a pair is just a pointer into the padded
// copy.
#include "core/formula/activation.h"
#include "core/plan/conv_weight_grad.h"
#include "core/plan/implicit_gemm.h"
#include "cpu/conv/direct.h"
#include "cpu/conv/winograd_weight_grad.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Sums in registers: outputs as kSumVectors vectors, pairs as kPairs broadcasts.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kSumVectors = 4;
#else
inline constexpr int kSumVectors = 2;
#endif
inline constexpr int kPairs = 6;

template <class T>
constexpr int kOutputBlock = kSumVectors * Vec<T>::lanes;

// A block of output pixels of one sample, and the piece of the input under it.
struct Block {
  int64_t sample;
  int64_t depth;  // the output plane
  int64_t row, rows;
  int64_t column, columns;
};

// dy of `outputs` rows as [pixel][vectors * lanes], masked by the activation's output if there is
// one.
template <class T>
void transpose_dy(const ConvProblem& p, const Block& b, const T* dy, const T* y, int64_t outputs,
                  int64_t width, T* out) {
  const Window& w = p.window;
  const int64_t plane = w.out_size();
  for (int64_t r = 0; r < b.rows; ++r) {
    const int64_t start = (b.depth * w.out[1] + b.row + r) * w.out[2] + b.column;
    T* to = out + r * b.columns * width;
    for (int64_t o = 0; o < outputs; ++o) {
      const T* from = dy + o * plane + start;
      if (y == nullptr) {
        for (int64_t i = 0; i < b.columns; ++i) to[i * width + o] = from[i];
      } else {
        const T* mask = y + o * plane + start;
        for (int64_t i = 0; i < b.columns; ++i)
          to[i * width + o] = mask[i] <= T(0) ? T(0) : from[i];
      }
    }
    for (int64_t o = outputs; o < width; ++o)
      for (int64_t i = 0; i < b.columns; ++i) to[i * width + o] = T(0);
  }
}

// The patch of one channel, [kernel depth][patch_rows][patch_columns], zeros outside the input.
template <class T>
void copy_patch(const ConvWeightGrad& g, const Block& b, const T* x, T* out) {
  const Window& w = g.problem.window;
  const int64_t rows = (b.rows - 1) * w.stride[1] + (w.kernel[1] - 1) * w.dilation[1] + 1;
  const int64_t columns = (b.columns - 1) * w.stride[2] + (w.kernel[2] - 1) * w.dilation[2] + 1;
  const int64_t first = b.column * w.stride[2] - w.pad[2];
  const int64_t left = first < 0 ? (-first < columns ? -first : columns) : 0;
  const int64_t inside = w.in[2] - first < columns ? w.in[2] - first : columns;
  for (int64_t k = 0; k < w.kernel[0]; ++k) {
    const int64_t depth = b.depth * w.stride[0] + k * w.dilation[0] - w.pad[0];
    for (int64_t r = 0; r < rows; ++r) {
      T* to = out + (k * g.patch_rows + r) * g.patch_columns;
      const int64_t row = b.row * w.stride[1] + r - w.pad[1];
      const bool outside = depth < 0 || depth >= w.in[0] || row < 0 || row >= w.in[1];
      const int64_t begin = outside || inside <= left ? columns : left;
      const int64_t end = begin == columns ? columns : inside;
      __builtin_memset(to, 0, static_cast<size_t>(begin) * sizeof(T));
      if (end > begin) {
        const T* from = x + (depth * w.in[1] + row) * w.in[2] + first;
        __builtin_memcpy(to + begin, from + begin, static_cast<size_t>(end - begin) * sizeof(T));
      }
      __builtin_memset(to + end, 0, static_cast<size_t>(columns - end) * sizeof(T));
    }
  }
}

// sums[pair][vector] += the block's pixels of each pair times dy. Each block starts at zero.
template <class T, int vectors>
__attribute__((noinline)) void add_pairs(const Block& b, const T* const (&pair)[kPairs], int live,
                                         int64_t row_step, int64_t column_step, const T* dy,
                                         T* sums) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[kPairs][vectors];
  const T* from[kPairs];
#pragma GCC unroll 6
  for (int k = 0; k < kPairs; ++k) {
    from[k] = pair[k < live ? k : 0];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[k][v] = Vec<T>::zero();
  }
  for (int64_t r = 0; r < b.rows; ++r) {
    for (int64_t i = 0; i < b.columns; ++i) {
      Vec<T> outputs[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) outputs[v] = Vec<T>::load(dy + v * lanes);
      dy += vectors * lanes;
#pragma GCC unroll 6
      for (int k = 0; k < kPairs; ++k) {
        const Vec<T> value = Vec<T>::set(from[k][i * column_step]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[k][v] = fma(value, outputs[v], sum[k][v]);
      }
    }
#pragma GCC unroll 6
    for (int k = 0; k < kPairs; ++k) from[k] += row_step;
  }
#pragma GCC unroll 6
  for (int k = 0; k < kPairs; ++k) {
    if (k >= live) break;
    T* to = sums + k * vectors * lanes;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      (Vec<T>::load(to + v * lanes) + sum[k][v]).store(to + v * lanes);
  }
}

template <class T, int vectors>
void run_task(const ConvWeightGrad& g, int64_t group, int64_t first_output, int64_t outputs,
              int64_t first_channel, int64_t channels, const T* dy, const T* y, const T* x, T* dw,
              T* scratch) {
  const ConvProblem& p = g.problem;
  const Window& w = p.window;
  constexpr int64_t width = vectors * Vec<T>::lanes;
  const int64_t taps = w.kernel_size();
  const int64_t pairs = channels * taps;
  const int64_t group_channels = p.in_channels / p.groups;
  const int64_t patch = w.kernel[0] * g.patch_rows * g.patch_columns;  // of one channel
  T* sums = scratch;
  T* dy_block = sums + g.sums_size();
  T* patches = dy_block + g.dy_size();
  __builtin_memset(sums, 0, static_cast<size_t>(pairs * width) * sizeof(T));

  const int64_t row_blocks = ceil_div(w.out[1], g.rows_per_block);
  const int64_t column_blocks = ceil_div(w.out[2], g.columns_per_block);
  const int64_t blocks = p.batch * w.out[0] * row_blocks * column_blocks;
  for (int64_t i = 0; i < blocks; ++i) {
    Block b;
    b.column = i % column_blocks * g.columns_per_block;
    b.row = i / column_blocks % row_blocks * g.rows_per_block;
    b.depth = i / column_blocks / row_blocks % w.out[0];
    b.sample = i / column_blocks / row_blocks / w.out[0];
    b.columns =
        w.out[2] - b.column < g.columns_per_block ? w.out[2] - b.column : g.columns_per_block;
    b.rows = w.out[1] - b.row < g.rows_per_block ? w.out[1] - b.row : g.rows_per_block;

    const int64_t dy_start =
        (b.sample * p.out_channels + group * (p.out_channels / p.groups) + first_output) *
        w.out_size();
    transpose_dy(p, b, dy + dy_start, y == nullptr ? nullptr : y + dy_start, outputs, width,
                 dy_block);
    const T* x_group =
        x + (b.sample * p.in_channels + group * group_channels + first_channel) * w.in_size();
    for (int64_t c = 0; c < channels; ++c)
      copy_patch(g, b, x_group + c * w.in_size(), patches + c * patch);

    for (int64_t k = 0; k < pairs; k += kPairs) {
      const int live = static_cast<int>(pairs - k < kPairs ? pairs - k : kPairs);
      const T* pair[kPairs] = {};
      for (int j = 0; j < live; ++j) {
        const int64_t c = (k + j) / taps, t = (k + j) % taps;
        const int64_t kw = t % w.kernel[2], kh = t / w.kernel[2] % w.kernel[1],
                      kd = t / w.kernel[2] / w.kernel[1];
        pair[j] = patches + c * patch + (kd * g.patch_rows + kh * w.dilation[1]) * g.patch_columns +
                  kw * w.dilation[2];
      }
      add_pairs<T, vectors>(b, pair, live, w.stride[1] * g.patch_columns, w.stride[2], dy_block,
                            sums + k * width);
    }
  }

  const int64_t row = group_channels * taps;  // of dw
  T* to = dw + (group * (p.out_channels / p.groups) + first_output) * row + first_channel * taps;
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < pairs; ++k) to[o * row + k] = sums[k * width + o];
}

template <class T>
constexpr TileShape kTile = {kPairs, kOutputBlock<T>};

template <class T>
void weight_grad(const ConvProblem& problem, ConvAlgorithm algorithm, const T* dy, const T* x,
                 const T* y, T* dw, const Context& context) {
  if constexpr (sizeof(T) == 4) {
    if (algorithm == ConvAlgorithm::winograd &&
        winograd_weight_grad(plan_winograd_weight_grad(problem, kTile<T>), dy, x, y, dw, context))
      return;
  }
  if (algorithm == ConvAlgorithm::direct)
    return direct_weight_grad(plan_forward(problem, kTile<T>), dy, x, y, dw, context);
  const ConvWeightGrad g = plan_weight_grad(problem, kTile<T>);
  const int64_t group_outputs = problem.out_channels / problem.groups;
  const int64_t group_channels = problem.in_channels / problem.groups;
  if (group_outputs == 0 || group_channels == 0) return;
  const int64_t output_blocks = ceil_div(group_outputs, g.output_block);
  const int64_t shares = ceil_div(group_channels, g.channels_per_task);
  const size_t scratch =
      static_cast<size_t>(g.sums_size() + g.dy_size() + g.patch_size()) * sizeof(T);
  parallel_for(context, g.tasks(), scratch, [&](int64_t task, void* buffer) {
    const int64_t share = task % shares;
    const int64_t first_output = task / shares % output_blocks * g.output_block;
    const int64_t group = task / shares / output_blocks;
    const int64_t outputs = group_outputs - first_output < g.output_block
                                ? group_outputs - first_output
                                : g.output_block;
    const int64_t first_channel = share * g.channels_per_task;
    const int64_t channels = group_channels - first_channel < g.channels_per_task
                                 ? group_channels - first_channel
                                 : g.channels_per_task;
    const auto run = [&](auto task_function) {
      task_function(g, group, first_output, outputs, first_channel, channels, dy, y, x, dw,
                    static_cast<T*>(buffer));
    };
    const int64_t vectors = ceil_div(outputs, Vec<T>::lanes);
    if (vectors == 1) return run(run_task<T, 1>);
    if (vectors == 2) return run(run_task<T, 2>);
    run(run_task<T, kSumVectors>);
  });
}

}  // namespace

const ConvWeightGradKernels<float> conv_weight_grad_f32 = {kTile<float>, weight_grad<float>};
const ConvWeightGradKernels<double> conv_weight_grad_f64 = {kTile<double>, weight_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
