// A thread block of the matrix product, step by step; the kernel in kernel.h strings the steps
// together, and so does the test on the host (tests/cpp/cuda_gemm_test.cpp).
#pragma once

#include "cuda/gemm/loader.h"
#include "cuda/gemm/math.h"

namespace striate::cuda {

// Which block of the result, and which part of the depth.
struct GemmTask {
  int64_t group, row, column;  // the first ones
  int split;
  int first_tile, tiles;  // of the depth
};

// Blocks that follow each other share their columns, which are most of the data.
STRIATE_DEVICE GemmTask gemm_task(const GemmPlan& plan, int rows_per_tile, int columns_per_tile,
                                  int64_t groups, unsigned block) {
  GemmTask task;
  task.row = static_cast<int64_t>(block % plan.row_tiles) * rows_per_tile;
  block /= plan.row_tiles;
  task.column = static_cast<int64_t>(block % plan.column_tiles) * columns_per_tile;
  block /= plan.column_tiles;
  task.group = block % static_cast<unsigned>(groups);
  task.split = static_cast<int>(block / static_cast<unsigned>(groups));
  task.first_tile = task.split * plan.depth_tiles_per_split;
  const int left = plan.depth_tiles - task.first_tile;
  task.tiles = left < plan.depth_tiles_per_split ? left : plan.depth_tiles_per_split;
  return task;
}

template <class Math, bool kADepth, bool kBDepth>
struct GemmBlock {
  using T = typename Math::Element;
  using MathType = Math;
  static constexpr bool kADepthMajor = kADepth, kBDepthMajor = kBDepth;
  using ALoader = Loader<T, Math::kRows, kADepthMajor, true, 0>;
  using BLoader = Loader<T, Math::kColumns, kBDepthMajor, false, ALoader::kTableSize>;
  static constexpr int kStages = 3;
  static constexpr int kDepth = kTileDepth<T>;
  // Eight more, so that rows of sums start in different banks.
  static constexpr int kSumStride = Math::kColumns + 8;

  struct Tiles {
    T a[kStages][Math::kRows * kDepth];
    T b[kStages][Math::kColumns * kDepth];
  };
  struct alignas(16) Shared {
    union {
      Tiles tiles;
      T sums[Math::kRows * kSumStride];  // when all tiles are done with
    };
    PlaceTable<ALoader::kTableSize + BLoader::kTableSize> places;
  };

  ALoader a;
  BLoader b;

  STRIATE_DEVICE void begin(const GemmArguments<T>& arguments, const GemmTask& task, int thread,
                            Shared& shared) {
    const int64_t depth = static_cast<int64_t>(task.first_tile) * kDepth;
    a.begin(arguments.a, task.group, task.row, depth, thread, shared.places);
    b.begin(arguments.b, task.group, task.column, depth, thread, shared.places);
  }

  STRIATE_DEVICE void copy(const GemmArguments<T>& arguments, int tile, int thread,
                           Shared& shared) {
    a.copy(arguments.a, tile, thread, shared.places, shared.tiles.a[tile % kStages]);
    b.copy(arguments.b, tile, thread, shared.places, shared.tiles.b[tile % kStages]);
  }

  STRIATE_DEVICE void prepare(const GemmArguments<T>& arguments, int tile, int thread,
                              Shared& shared) {
    a.prepare(arguments.a, tile, thread, shared.places);
    b.prepare(arguments.b, tile, thread, shared.places);
  }

  static STRIATE_DEVICE void store_sums(const Math& math, int thread, Shared& shared) {
    STRIATE_UNROLL
    for (int s = 0; s < Math::kCount; ++s) {
      const int warp = thread / 32, lane = thread % 32;
      shared.sums[Math::row(warp, lane, s) * kSumStride + Math::column(warp, lane, s)] =
          math.sum(s);
    }
  }

  // Neighbouring threads have neighbouring columns, of which each keeps its own.
  static STRIATE_DEVICE void store_results(const GemmArguments<T>& arguments, const GemmTask& task,
                                           int thread, const Shared& shared) {
    const int own = thread % Math::kColumns;
    const int64_t column = task.column + own;
    if (column >= arguments.columns) return;
    const Place place = place_of(arguments.c.map.columns, column);
    const int64_t sums = (task.split * arguments.groups + task.group) * arguments.rows;
    for (int i = thread / Math::kColumns; i < Math::kRows; i += kGemmThreads / Math::kColumns) {
      const int64_t row = task.row + i;
      if (row >= arguments.rows) return;
      const T sum = shared.sums[i * kSumStride + own];
      if (arguments.plan.splits > 1)
        arguments.partial[(sums + row) * arguments.columns + column] = sum;
      else
        store_result(arguments.c, arguments.rows, arguments.columns, task.group, row, column, place,
                     sum);
    }
  }
};

}  // namespace striate::cuda
