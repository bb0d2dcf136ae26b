// What follows a product whose depth was split, and what comes before one whose A is read badly.
#pragma once

#include "cuda/gemm/arguments.h"

namespace striate::cuda {

inline constexpr int kLineThreads = 256;
inline constexpr int kPerThread = 4;
inline constexpr int kPerBlock = kLineThreads * kPerThread;

// A block's share of many lines of `length`: which line, and the thread's first element in it.
struct LineShare {
  int64_t line, first;
};
STRIATE_DEVICE LineShare line_share(int64_t length, unsigned block, int thread) {
  const int64_t blocks_per_line = quotient(length + kPerBlock - 1, kPerBlock);
  const int64_t line = quotient(block, blocks_per_line);
  return {line, (block - line * blocks_per_line) * kPerBlock + thread};
}

// Adds up the splits of some sums in their order, and stores the results. No splits: zeros.
template <class T>
STRIATE_DEVICE void sum_splits_thread(const GemmArguments<T>& arguments, unsigned block,
                                      int thread) {
  const LineShare share = line_share(arguments.columns, block, thread);
  const int64_t group = quotient(share.line, arguments.rows);
  const int64_t row = share.line - group * arguments.rows;
  const int64_t split_stride = arguments.groups * arguments.rows * arguments.columns;
  for (int i = 0; i < kPerThread; ++i) {
    const int64_t column = share.first + i * kLineThreads;
    if (column >= arguments.columns) return;
    T sum = 0;
    const T* part = arguments.partial + share.line * arguments.columns + column;
    for (int s = 0; s < arguments.plan.splits; ++s) sum += part[s * split_stride];
    store_result(arguments.c, arguments.rows, arguments.columns, group, row, column,
                 place_of(arguments.c.map.columns, column), sum);
  }
}

// Copies A, so that its lines follow each other and are contiguous along the depth.
template <class T>
struct PackArguments {
  const T* data;
  T* packed;
  OperandMap map;
  int64_t depth;
};

template <class T>
STRIATE_DEVICE void pack_thread(const PackArguments<T>& arguments, unsigned block, int thread) {
  const LineShare share = line_share(arguments.depth, block, thread);
  const OperandMap& map = arguments.map;
  const int64_t group = quotient(share.line, map.lines.outer);
  const int64_t line = share.line - group * map.lines.outer;
  for (int i = 0; i < kPerThread; ++i) {
    const int64_t depth = share.first + i * kLineThreads;
    if (depth >= arguments.depth) return;
    arguments.packed[share.line * arguments.depth + depth] =
        arguments.data[group * map.group_stride + line * map.lines.outer_stride +
                       place_of(map.depth, depth).offset];
  }
}

}  // namespace striate::cuda
