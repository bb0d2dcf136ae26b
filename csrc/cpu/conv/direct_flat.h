// Depthwise convolution of small planes whose result has the source's columns: vectors run through
// all pixels of a plane, from one row into the next, so that they are full whatever the width. A
// tap sees the same sequence some pixels on; the lanes that meet padding are the same ones in every
// plane, so that a call finds them once.
#pragma once

#include "core/formula/activation.h"
#include "core/plan/direct.h"
#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu {
namespace {

inline constexpr int kFlatTile = 8;  // vectors of the result in registers

// Vectors [first, end) of a plane, piece `i` of nearly equal ones.
struct FlatPiece {
  int64_t first, end;
  FlatPiece(int64_t vectors, int64_t i)
      : first(vectors * i / pieces(vectors)), end(vectors * (i + 1) / pieces(vectors)) {}
  static int64_t pieces(int64_t vectors) { return ceil_div(vectors, kFlatTile); }
};

// Where a tap's pixels lie behind those of the result.
STRIATE_INLINE int64_t flat_offset(const ImplicitGemm& g, int64_t row, int64_t column) {
  return (g.tap_offset[1] + row * g.tap_step[1]) * g.src[2] + g.tap_offset[2] +
         column * g.tap_step[2];
}

// The lanes that lie in the source, as [piece][tap][vector].
template <class T>
void find_flat_lanes(const ImplicitGemm& g, int64_t vectors, LaneSet<T>* sets) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t width = g.src[2], pixels = g.src[1] * width, live = g.grid[1] * width;
  for (int64_t i = 0; i < FlatPiece::pieces(vectors); ++i) {
    const FlatPiece piece(vectors, i);
    for (int64_t h = 0; h < g.taps[1]; ++h) {
      const int64_t above = (g.tap_offset[1] + h * g.tap_step[1]) * width;
      for (int64_t w = 0; w < g.taps[2]; ++w) {
        const int64_t left = g.tap_offset[2] + w * g.tap_step[2];
        for (int64_t v = piece.first; v < piece.end; ++v) {
          const int64_t first = v * lanes;
          LaneSet<T> set;
          // Row by row: the columns whose tap lies in the source.
          for (int64_t row = first / width * width; row < first + lanes; row += width)
            set = set | LaneSet<T>::range(row + greatest(0, -left) - first,
                                          row + least(width, width - left) - first);
          *sets++ = set & LaneSet<T>::range(-above - first, pixels - above - first) &
                    LaneSet<T>::range(0, live - first);
        }
      }
    }
  }
}

// One plane of the result.
template <class T>
struct FlatPlane {
  const ImplicitGemm& g;
  int64_t vectors;
  const LaneSet<T>* sets;
  bool relu;

  template <int count>
  STRIATE_INLINE void sum_piece(int64_t first, const T* src, const T* weights, T bias,
                                const LaneSet<T>* inside, T* dst) const {
    constexpr int lanes = Vec<T>::lanes;
    Vec<T> sum[count];
#pragma GCC unroll 8
    for (int v = 0; v < count; ++v) sum[v] = Vec<T>::set(bias);
    for (int64_t h = 0; h < g.taps[1]; ++h) {
      const T* weight = weights + (g.w_index[1] + h * g.w_step[1]) * g.kernel[2] + g.w_index[2];
      const T* from = src + first * lanes + flat_offset(g, h, 0);
      for (int64_t w = 0; w < g.taps[2]; ++w) {
        const Vec<T> value = Vec<T>::set(*weight);
#pragma GCC unroll 8
        for (int v = 0; v < count; ++v)
          sum[v] = fma(value, inside[v].load(from + v * lanes), sum[v]);
        inside += count;
        weight += g.w_step[2];
        from += g.tap_step[2];
      }
    }
    const int64_t live = g.grid[1] * g.grid[2] - first * lanes;
#pragma GCC unroll 8
    for (int v = 0; v < count; ++v) {
      if (relu) sum[v] = formula::relu(sum[v]);
      const int64_t n = live - v * lanes;
      if (v + 1 < count)
        sum[v].store(dst + (first + v) * lanes);
      else
        sum[v].store(dst + (first + v) * lanes, static_cast<int>(least(n, lanes)));
    }
  }

  // `weights` of the kernel's first row and column.
  void compute(const T* src, const T* weights, T bias, T* dst) const {
    const LaneSet<T>* inside = sets;
    for (int64_t i = 0; i < FlatPiece::pieces(vectors); ++i) {
      const FlatPiece piece(vectors, i);
      with_count<kFlatTile>(piece.end - piece.first, [&](auto count) {
        sum_piece<decltype(count)::get>(piece.first, src, weights, bias, inside, dst);
      });
      inside += (piece.end - piece.first) * g.taps[1] * g.taps[2];
    }
  }
};

}  // namespace
}  // namespace striate::cpu
