// One register tile of an implicit matrix product: its sums, and how they join the result.
#pragma once

#include "cpu/conv/pixel_panels.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu {
namespace {

// Where a tile's sums go, and how they join what is there.
template <class T>
struct Target {
  T* to;          // the tile's first row; and of sums that are kept apart, its first lane
  int64_t row;    // elements from one row to the next
  const T* bias;  // of the tile's first row, or null
  bool first;     // the first block of the depth: overwrite, and add the bias
  bool relu;      // the last block: apply the activation
  bool apart;     // sums that are kept apart: whole vectors side by side
};

template <class T>
STRIATE_INLINE void join(Vec<T> sum, T* to, LaneSet<T> live, const Target<T>& target) {
  if (!target.first) sum = live.load(to) + sum;
  if (target.relu) sum = formula::relu(sum);
  live.store(sum, to);
}

// Not inlined: what surrounds it must not take registers from the sums.
template <class T, int rows, int vectors, class AStrides, class BRows>
__attribute__((noinline)) void tile(int64_t depth, const T* a, AStrides strides, const T* b,
                                    BRows b_rows, int live_rows, const Panel<T>& panel,
                                    const Target<T>& target) {
  constexpr int lanes = Vec<T>::lanes;
  // Ask for the lines of the result, which lie in as many places as there are rows, early, but a
  // row or some at a time: as many requests as a core can have open would hold up B's loads.
  constexpr int64_t kApart[] = {0, lanes, 2 * lanes, 2 * lanes};
  const int64_t* lines = target.apart ? kApart : panel.lines;
  const int64_t at_once = depth < rows * kStepsPerPiece<T> ? rows : 1;
  int64_t asked = 0;
  Vec<T> sum[rows][vectors];
  multiply_tile<T, rows, vectors>(depth, a, strides, b, b_rows, sum, [&] {
    for (const int64_t stop = least(asked + at_once, live_rows); asked < stop; ++asked)
#pragma GCC unroll 4
      for (int v = 0; v <= kTileVectors; ++v)
        __builtin_prefetch(target.to + asked * target.row + lines[v], 1);
  });
  if (target.first && target.bias != nullptr) {
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      const Vec<T> bias = Vec<T>::set(m < live_rows ? target.bias[m] : T(0));
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[m][v] = sum[m][v] + bias;
    }
  }
  if (target.apart) {
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      if (m >= live_rows) break;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        join(sum[m][v], target.to + m * target.row + v * lanes, LaneSet<T>::all(), target);
    }
    return;
  }
  int s = 0;
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    for (; s < panel.segments; ++s) {
      const Segment& segment = panel.segment[s];
      const int lane = segment.lane - v * lanes, stop = lane + segment.length;
      if (lane >= lanes) break;
      const auto live = LaneSet<T>::range(lane, stop);
      T* to = target.to + segment.offset - lane;
#pragma GCC unroll 8
      for (int m = 0; m < rows; ++m) {
        if (m >= live_rows) break;
        join(sum[m][v], to + m * target.row, live, target);
      }
      if (stop > lanes) break;  // it goes on in the next vector
    }
  }
}

}  // namespace
}  // namespace striate::cpu
