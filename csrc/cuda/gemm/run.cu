// Launches of matrix products, and of the two small kernels around them.
#include "core/check.h"
#include "cuda/gemm/launch.h"
#include "cuda/gemm/run.h"
#include "cuda/gemm/split.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(kLineThreads)
    sum_splits_kernel(const __grid_constant__ GemmArguments<T> arguments) {
  sum_splits_thread(arguments, blockIdx.x, static_cast<int>(threadIdx.x));
}

template <class T>
__global__ void __launch_bounds__(kLineThreads)
    pack_kernel(const __grid_constant__ PackArguments<T> arguments) {
  pack_thread(arguments, blockIdx.x, static_cast<int>(threadIdx.x));
}

int64_t line_blocks(int64_t lines, int64_t length) {
  const int64_t blocks = lines * ceil_div(length, kPerBlock);
  striate::check(blocks <= kMostBlocks, "matrix product on CUDA",
                 "an array must have less than 2^31 blocks of rows. Got ", blocks, ".");
  return blocks;
}

template <class T>
void launch_sum_splits(const GemmArguments<T>& arguments, const Context& context) {
  const int64_t blocks = line_blocks(arguments.groups * arguments.rows, arguments.columns);
  launch("matrix product", sum_splits_kernel<T>, blocks, kLineThreads, 0, context, arguments);
}

// Whether 16-byte accesses can be used.
template <class T>
bool aligned(const T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

template <class T>
Operand<T> operand(const OperandMap& map, const T* data, const T* mask, int64_t depth_tile) {
  constexpr int kItem = static_cast<int>(sizeof(T));
  return {data, mask, map, digits_of(map.depth, depth_tile),
          reads_vectors(map, kItem) && aligned(data) && aligned(mask)};
}

// All but the operands.
template <class T>
GemmArguments<T> results(const Product& p, const T* bias, bool relu, T* c) {
  GemmArguments<T> arguments{};
  arguments.c = {c, bias, relu, p.c};
  arguments.groups = p.groups;
  arguments.rows = p.rows;
  arguments.columns = p.columns;
  return arguments;
}

}  // namespace

template <class T>
void run_empty_product(const Product& p, const T* bias, bool relu, T* c, const Context& context) {
  if (p.groups == 0 || p.rows == 0 || p.columns == 0) return;
  launch_sum_splits(results(p, bias, relu, c), context);
}

template <class T>
void run_product(const Product& p, const GemmPlan& plan, const ProductPointers<T>& pointers,
                 const Context& context) {
  if (p.groups == 0 || p.rows == 0 || p.columns == 0) return;
  if (p.depth == 0) return run_empty_product(p, pointers.bias, pointers.relu, pointers.c, context);
  GemmArguments<T> arguments = results(p, pointers.bias, pointers.relu, pointers.c);
  const bool dots = plan.math == GemmMath::dots;
  const int64_t depth_tile = dots ? kDotThreads : 128 / static_cast<int64_t>(sizeof(T));
  arguments.a = operand(p.a, pointers.a, pointers.a_mask, depth_tile);
  arguments.b = operand(p.b, pointers.b, pointers.b_mask, depth_tile);
  arguments.plan = plan;
  const Scratch<T> sums(context, plan.workspace / static_cast<int64_t>(sizeof(T)));
  arguments.partial = sums.data();
  if (dots)
    launch_dots(arguments, context);
  else
    launch_gemm(arguments, context);
  if (plan.splits > 1) launch_sum_splits(arguments, context);
}

template <class T>
void pack_a(const Product& p, const T* a, T* packed, const Context& context) {
  const int64_t blocks = line_blocks(p.groups * p.rows, p.depth);
  launch("matrix product", pack_kernel<T>, blocks, kLineThreads, 0, context,
         PackArguments<T>{a, packed, p.a, p.depth});
}

#define STRIATE_INSTANTIATE(T)                                                             \
  template void run_product<T>(const Product&, const GemmPlan&, const ProductPointers<T>&, \
                               const Context&);                                            \
  template void run_empty_product<T>(const Product&, const T*, bool, T*, const Context&);  \
  template void pack_a<T>(const Product&, const T*, T*, const Context&);
STRIATE_INSTANTIATE(float)
STRIATE_INSTANTIATE(double)
#undef STRIATE_INSTANTIATE

}  // namespace striate::cuda
