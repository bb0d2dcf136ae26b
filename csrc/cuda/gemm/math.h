// What the four warps of a block do with a tile of A and B in shared memory: each owns a part of
// the block's rows and columns, and adds to sums in its registers. How these are laid out over the
// lanes is told by row() and column().
#pragma once

#include "core/plan/tile.h"
#include "cuda/gemm/fragment.h"

namespace striate::cuda {

// The warps lie two by two.
template <int kWarpRows, int kWarpColumns>
struct WarpPart {
  static STRIATE_DEVICE int first_row(int warp) { return warp / 2 * kWarpRows; }
  static STRIATE_DEVICE int first_column(int warp) { return warp % 2 * kWarpColumns; }
};

// float32 rounded to TF32, by mma.sync.
template <int kEdge>
struct TensorCores {
  using Element = float;
  static constexpr int kRows = kEdge, kColumns = kEdge;
  static constexpr int kBlocksPerMultiprocessor = kEdge == 128 ? 2 : 4;
  static constexpr int kRowFragments = kEdge / 32, kColumnFragments = kEdge / 32;  // of 16
  static constexpr int kCount = kRowFragments * kColumnFragments * 8;
  using Part = WarpPart<kEdge / 2, kEdge / 2>;

  float sums[kRowFragments][2 * kColumnFragments][4] = {};

  // The registers of 8 terms.
  template <bool kADepthMajor, bool kBDepthMajor>
  static STRIATE_DEVICE void load(const float* a, const float* b, int warp, int lane, int depth,
                                  uint32_t (&a_fragments)[kRowFragments][4],
                                  uint32_t (&b_fragments)[kColumnFragments][4]) {
    // A multiple of 32 lines away, a tile looks the same.
    const float* a_part = a + tile_offset<float, kRows, kADepthMajor>(Part::first_row(warp), 0);
    const float* b_part =
        b + tile_offset<float, kColumns, kBDepthMajor>(Part::first_column(warp), 0);
    STRIATE_UNROLL
    for (int i = 0; i < kRowFragments; ++i)
      load_fragment<kRows, kADepthMajor>(a_part, 16 * i, depth, lane, a_fragments[i]);
    STRIATE_UNROLL
    for (int j = 0; j < kColumnFragments; ++j)
      load_fragment<kColumns, kBDepthMajor>(b_part, 16 * j, depth, lane, b_fragments[j]);
  }

  template <bool kADepthMajor, bool kBDepthMajor>
  __device__ __forceinline__ void add(const float* a, const float* b, int warp, int lane,
                                      int /*tile*/) {
    STRIATE_UNROLL
    for (int depth = 0; depth < kTileDepth<float>; depth += 8) {
      uint32_t a_fragments[kRowFragments][4], b_fragments[kColumnFragments][4];
      load<kADepthMajor, kBDepthMajor>(a, b, warp, lane, depth, a_fragments, b_fragments);
      for (int i = 0; i < kRowFragments; ++i)
        for (int j = 0; j < 2 * kColumnFragments; ++j)
          multiply_add(sums[i][j], a_fragments[i], b_fragments[j / 2][b_register(j % 2, 0)],
                       b_fragments[j / 2][b_register(j % 2, 1)]);
    }
  }

  STRIATE_DEVICE void finish() {}

  // Sum number `s` of a lane in the block.
  static STRIATE_DEVICE int row(int warp, int lane, int s) {
    const int i = s / 4 / (2 * kColumnFragments);
    return Part::first_row(warp) + 16 * i + accumulator_row(lane, s % 4);
  }
  static STRIATE_DEVICE int column(int warp, int lane, int s) {
    const int j = s / 4 % (2 * kColumnFragments);
    return Part::first_column(warp) + 8 * j + accumulator_column(lane, s % 4);
  }
  STRIATE_DEVICE float sum(int s) const {
    return sums[s / 4 / (2 * kColumnFragments)][s / 4 % (2 * kColumnFragments)][s % 4];
  }
};

// float32 or float64 as they are, by fused multiply-adds: a lane has rows 4 apart and columns 8
// apart, so that the lanes that read different lines of a tile read different banks. float32 adds
// up blocks of kDepthBlock terms, each from zero, as the CPU's products do.
template <class T>
struct Fma {
  using Element = T;
  static constexpr int kRows = 64, kColumns = 64;
  static constexpr int kBlocksPerMultiprocessor = 2;
  static constexpr int kRowCount = 8, kColumnCount = 4;
  static constexpr int kCount = kRowCount * kColumnCount;
  static constexpr bool kBlocked = sizeof(T) == 4;
  static constexpr int kTilesPerBlock = kDepthBlock / kTileDepth<T>;
  using Part = WarpPart<32, 32>;

  T sums[kRowCount][kColumnCount] = {};
  T totals[kBlocked ? kRowCount : 1][kBlocked ? kColumnCount : 1] = {};

  template <bool kADepthMajor, bool kBDepthMajor>
  STRIATE_DEVICE void add(const T* a, const T* b, int warp, int lane, int tile) {
    const T* a_part = a + tile_offset<T, kRows, kADepthMajor>(Part::first_row(warp), 0);
    const T* b_part = b + tile_offset<T, kColumns, kBDepthMajor>(Part::first_column(warp), 0);
    STRIATE_UNROLL_BY(4)
    for (int depth = 0; depth < kTileDepth<T>; ++depth) {
      T a_terms[kRowCount], b_terms[kColumnCount];
      STRIATE_UNROLL
      for (int i = 0; i < kRowCount; ++i)
        a_terms[i] = a_part[tile_offset<T, kRows, kADepthMajor>(lane / 8 + 4 * i, depth)];
      STRIATE_UNROLL
      for (int j = 0; j < kColumnCount; ++j)
        b_terms[j] = b_part[tile_offset<T, kColumns, kBDepthMajor>(lane % 8 + 8 * j, depth)];
      for (int i = 0; i < kRowCount; ++i)
        for (int j = 0; j < kColumnCount; ++j)
          sums[i][j] = fused(a_terms[i], b_terms[j], sums[i][j]);
    }
    if (kBlocked && (tile + 1) % kTilesPerBlock == 0) finish();
  }

  STRIATE_DEVICE void finish() {
    if constexpr (kBlocked) {
      for (int i = 0; i < kRowCount; ++i)
        for (int j = 0; j < kColumnCount; ++j) {
          totals[i][j] += sums[i][j];
          sums[i][j] = 0;
        }
    }
  }

  static STRIATE_DEVICE int row(int warp, int lane, int s) {
    return Part::first_row(warp) + lane / 8 + s / kColumnCount * 4;
  }
  static STRIATE_DEVICE int column(int warp, int lane, int s) {
    return Part::first_column(warp) + lane % 8 + s % kColumnCount * 8;
  }
  STRIATE_DEVICE T sum(int s) const {
    if constexpr (kBlocked)
      return totals[s / kColumnCount][s % kColumnCount];
    else
      return sums[s / kColumnCount][s % kColumnCount];
  }

 private:
  static STRIATE_DEVICE float fused(float a, float b, float c) { return ::fmaf(a, b, c); }
  static STRIATE_DEVICE double fused(double a, double b, double c) { return ::fma(a, b, c); }
};

}  // namespace striate::cuda
