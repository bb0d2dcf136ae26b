// What a matrix product packs for its micro-kernel: panels of rows of A and of columns of B.
#pragma once

#include "core/plan/gemm.h"
#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"
#include "cpu/transpose.h"

namespace striate::cpu {
namespace {

// `columns` columns of B that lie along memory, from step k on, as [depth][kTileColumns]; whole
// vectors are written.
template <class T>
void pack_columns(const Gemm& g, const T* b, int64_t column, int columns, int64_t k, int64_t depth,
                  T* out) {
  constexpr int lanes = Vec<T>::lanes, piece = kPiece<T>;
  for (int v = 0; v * lanes < columns; ++v) {
    const T* const from = b + k + (column + v * lanes) * g.b_column;
    const int live = static_cast<int>(least(lanes, columns - v * lanes));
    const PieceRows<T> rows(g.b_column, live);
    T* const to = out + v * lanes;
    int64_t i = 0;
    for (; i + piece <= depth; i += piece) {
      Vec<T> row[piece];
      load_columns(from + i, rows, row);
#pragma GCC unroll 4
      for (int j = 0; j < piece; ++j) row[j].store(to + (i + j) * kTileColumns<T>);
    }
    for (; i < depth; ++i)
      Vec<T>::load_strided(from + i, g.b_column, live).store(to + i * kTileColumns<T>);
  }
}

// One panel of rows of A, [depth][kTileRows].
template <class T>
void pack_rows(const Gemm& g, const T* a, int64_t row, int rows, int64_t k, int64_t depth, T* out) {
  const T* from = a + row * g.a_row + k * g.a_step;
  if (g.a_row == 1 && rows == kTileRows) {
    for (int64_t i = 0; i < depth; ++i)
      __builtin_memcpy(out + i * kTileRows, from + i * g.a_step, kTileRows * sizeof(T));
    return;
  }
  for (int m = 0; m < kTileRows; ++m)
    for (int64_t i = 0; i < depth; ++i)
      out[i * kTileRows + m] = m < rows ? from[m * g.a_row + i * g.a_step] : T(0);
}

// Packs a slice of B's rows that lie along memory in [panels][depth][kTileColumns], a piece with
// each call, so that it costs little beside products; what comes after is asked for early.
template <class T>
class SlicePacker {
 public:
  SlicePacker(const T* from, int64_t step, int64_t columns, int64_t depth, T* to)
      : from_(from), step_(step), columns_(columns), depth_(depth), to_(to) {}

  // The next `pieces` of a row and a panel each, or as many as are left.
  STRIATE_INLINE void pack(int64_t pieces) {
    constexpr int lanes = Vec<T>::lanes;
    constexpr int64_t kLine = 64 / sizeof(T);
    for (; pieces > 0 && row_ < depth_; --pieces) {
      const T* from = from_ + row_ * step_ + column_;
      T* to = to_ + column_ * depth_ + row_ * kTileColumns<T>;
      for (int64_t i = 0; i < kTileColumns<T>; i += kLine)
        __builtin_prefetch(from + 2 * step_ + i, 0, 2);
      const int64_t left = columns_ - column_;
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) {
        const int64_t n = left - v * lanes;
        (n >= lanes ? Vec<T>::load(from + v * lanes)
                    : Vec<T>::load(from + v * lanes, static_cast<int>(n > 0 ? n : 0)))
            .store(to + v * lanes);
      }
      column_ += kTileColumns<T>;
      if (column_ >= columns_) {
        column_ = 0;
        ++row_;
      }
    }
  }
  void pack_rest() { pack(depth_ * columns_); }

 private:
  const T* from_;
  int64_t step_, columns_, depth_;
  T* to_;
  int64_t row_ = 0, column_ = 0;
};

// All panels of A's rows, [panels][depth][kTileRows].
template <class T>
void pack_all_rows(const Gemm& g, const T* a, T* packed, const Context& context) {
  const int64_t pieces = ceil_div(g.depth, kDepthBlock);
  parallel_for(context, ceil_div(g.rows, kTileRows) * pieces, 0, [&](int64_t chunk, void*) {
    const int64_t row = chunk / pieces * kTileRows, k = chunk % pieces * kDepthBlock;
    pack_rows(g, a, row, static_cast<int>(least(kTileRows, g.rows - row)), k,
              least(kDepthBlock, g.depth - k), packed + row * g.depth + k * kTileRows);
  });
}

}  // namespace
}  // namespace striate::cpu
