// Products with few results and a great depth, such as a depthwise convolution's weight gradient:
// the threads of a block share the depth of one row and some columns, so that an element of A is
// read once for all of them, and add up their sums in a fixed tree. Where there are few blocks the
// depth is split, as in kernel.h.
#include "cuda/gemm/block.h"
#include "cuda/gemm/run.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

constexpr int kWarps = kDotThreads / 32;

template <class T>
__device__ __forceinline__ T multiply_add(T a, T b, T c) {
  if constexpr (sizeof(T) == 4)
    return ::fmaf(a, b, c);
  else
    return ::fma(a, b, c);
}

template <class T>
__global__ void __launch_bounds__(kDotThreads)
    dots_kernel(const __grid_constant__ GemmArguments<T> arguments) {
  __shared__ PlaceTable<kDotColumns> table;
  __shared__ T warp_sums[kWarps][kDotColumns];
  const int thread = static_cast<int>(threadIdx.x);
  const GemmTask task = gemm_task(arguments.plan, 1, kDotColumns, arguments.groups, blockIdx.x);
  const Operand<T>&a = arguments.a, &b = arguments.b;
  if (thread < kDotColumns) table.set(thread, place_of(b.map.lines, task.column + thread));
  __syncthreads();

  const int64_t first = static_cast<int64_t>(task.first_tile) * kDotThreads + thread;
  Digits a_depth = digits_of(a.map.depth, first), b_depth = digits_of(b.map.depth, first);
  const int64_t a_base = task.group * a.map.group_stride + task.row * a.map.lines.outer_stride;
  const T* b_data = b.data + task.group * b.map.group_stride;
  T sums[kDotColumns] = {};
  for (int tile = 0; tile < task.tiles; ++tile) {
    if (a_depth.outer < a.map.depth.outer) {
      const int64_t at = a_base + place_of(a.map.depth, a_depth).offset;
      T left = a.data[at];
      if (a.mask != nullptr) left = formula::relu_grad(left, a.mask[at]);
      const Place own = place_of(b.map.depth, b_depth);
      STRIATE_UNROLL
      for (int j = 0; j < kDotColumns; ++j) {
        const Place other = table.get(j);
        if (inside(own, other, b.map.extent))
          sums[j] = multiply_add(left, b_data[own.offset + other.offset], sums[j]);
      }
    }
    advance(a.map.depth, a.depth_step, a_depth);
    advance(b.map.depth, b.depth_step, b_depth);
  }

  STRIATE_UNROLL
  for (int j = 0; j < kDotColumns; ++j) {
    for (int distance = 16; distance > 0; distance /= 2)
      sums[j] += __shfl_down_sync(0xFFFFFFFFu, sums[j], static_cast<unsigned>(distance));
    if (thread % 32 == 0) warp_sums[thread / 32][j] = sums[j];
  }
  __syncthreads();
  const int64_t column = task.column + thread;
  if (thread >= kDotColumns || column >= arguments.columns) return;
  T sum = 0;
  for (int warp = 0; warp < kWarps; ++warp) sum += warp_sums[warp][thread];
  const int64_t line = (task.split * arguments.groups + task.group) * arguments.rows + task.row;
  if (arguments.plan.splits > 1)
    arguments.partial[line * arguments.columns + column] = sum;
  else
    store_result(arguments.c, arguments.rows, arguments.columns, task.group, task.row, column,
                 place_of(arguments.c.map.columns, column), sum);
}

template <class T>
void run(const GemmArguments<T>& arguments, const Context& context) {
  const GemmPlan& plan = arguments.plan;
  const int64_t blocks =
      arguments.groups * plan.row_tiles * plan.column_tiles * static_cast<int64_t>(plan.splits);
  launch("dot products", dots_kernel<T>, blocks, kDotThreads, 0, context, arguments);
}

}  // namespace

void launch_dots(const GemmArguments<float>& arguments, const Context& context) {
  run(arguments, context);
}
void launch_dots(const GemmArguments<double>& arguments, const Context& context) {
  run(arguments, context);
}

}  // namespace striate::cuda
