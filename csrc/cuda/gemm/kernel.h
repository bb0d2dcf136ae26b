// The matrix product's kernel.
//
// A block of 128 threads computes 128x128 or 64x64 results of one group, over a part of the depth.
// Tiles of A and B, 128 bytes deep, go through a ring of three stages in shared memory: while the
// warps multiply one, the asynchronous copies of the next two are under way. A tile is gathered
// from the arrays as they are (loader.h); no matrix is built in memory. One barrier for each tile
// both publishes what has arrived and frees the stage that was read before. At the end the sums go
// through shared memory, so that they are stored along the result's columns, with bias and ReLU;
// or, where the depth is split, to a workspace, and split.cu adds the parts in order. Nothing is
// added atomically: the same problem gives the same bits on every device of an architecture.
#pragma once

#include "core/check.h"
#include "cuda/gemm/block.h"
#include "cuda/launch.h"

namespace striate::cuda {

template <class Block>
__global__ void __launch_bounds__(kGemmThreads, Block::MathType::kBlocksPerMultiprocessor)
    gemm_kernel(const __grid_constant__ GemmArguments<typename Block::T> arguments) {
  using Math = typename Block::MathType;
  constexpr int kStages = Block::kStages;
  auto& shared = *dynamic_shared<typename Block::Shared>();
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  const GemmTask task =
      gemm_task(arguments.plan, Math::kRows, Math::kColumns, arguments.groups, blockIdx.x);

  Block block;
  block.begin(arguments, task, thread, shared);
  __syncthreads();
  for (int tile = 0; tile < kStages - 1; ++tile) {
    if (tile < task.tiles) block.copy(arguments, tile, thread, shared);
    commit_copies();
    block.prepare(arguments, tile + 1, thread, shared);
    __syncthreads();
  }
  Math math;
  for (int tile = 0; tile < task.tiles; ++tile) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    const int next = tile + kStages - 1;
    if (next < task.tiles) block.copy(arguments, next, thread, shared);
    commit_copies();
    block.prepare(arguments, next + 1, thread, shared);
    math.template add<Block::kADepthMajor, Block::kBDepthMajor>(
        shared.tiles.a[tile % kStages], shared.tiles.b[tile % kStages], warp, lane, tile);
  }
  math.finish();
  wait_for_copies<0>();
  __syncthreads();
  Block::store_sums(math, thread, shared);
  __syncthreads();
  Block::store_results(arguments, task, thread, shared);
}

template <class Block>
void launch_gemm_block(const GemmArguments<typename Block::T>& arguments, const Context& context) {
  constexpr int kShared = static_cast<int>(sizeof(typename Block::Shared));
  static_assert(kShared <= 99 * 1024, "what every architecture from 8.0 on has");
  const GemmPlan& plan = arguments.plan;
  const int64_t blocks =
      arguments.groups * plan.row_tiles * plan.column_tiles * static_cast<int64_t>(plan.splits);
  check(cudaFuncSetAttribute(gemm_kernel<Block>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             kShared),
        "matrix product");
  launch("matrix product", gemm_kernel<Block>, blocks, kGemmThreads, kShared, context, arguments);
}

// By what is contiguous: (depth, lines) serves convolutions and their input gradients, (depth,
// depth) weight gradients, (lines, lines) a linear layer's.
template <class Math>
void launch_gemm_with(const GemmArguments<typename Math::Element>& arguments,
                      const Context& context) {
  const bool a = arguments.a.map.depth_major, b = arguments.b.map.depth_major;
  if (a && b) return launch_gemm_block<GemmBlock<Math, true, true>>(arguments, context);
  if (a) return launch_gemm_block<GemmBlock<Math, true, false>>(arguments, context);
  if (!b) return launch_gemm_block<GemmBlock<Math, false, false>>(arguments, context);
  striate::fail("matrix product", "no kernel has this layout.");
}

}  // namespace striate::cuda
