// Vectors as columns of a matrix whose rows lie apart: `lanes` rows of kPiece (16 bytes') elements
// become kPiece vectors, one for each column, and back; see quads.h.
#pragma once

#include "cpu/quads.h"

namespace striate::cpu {
namespace {

template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));

// Where the rows of a piece begin, in floats, in the order of load_quarters.
template <class T>
struct PieceRows {
  int64_t offset[16];

  // Beyond the first `live` rows, the last of them again.
  STRIATE_INLINE PieceRows(int64_t row_step, int live) {
    for (int l = 0; l < Vec<T>::lanes; ++l)
      offset[l / kPiece<T> * 4 + l % kPiece<T>] =
          (l < live ? l : live - 1) * row_step * static_cast<int64_t>(sizeof(T) / sizeof(float));
  }
};

template <class T>
STRIATE_INLINE void load_columns(const T* from, const PieceRows<T>& rows,
                                 Vec<T> (&column)[kPiece<T>]) {
  const float* base = reinterpret_cast<const float*>(from);
  if constexpr (sizeof(T) == 4) {
    load_rows(base, rows.offset, column);
    transpose_quads(column);
  } else {
    const Floats even = load_quarters(base, rows.offset),
                 odd = load_quarters(base, rows.offset + 1);
    column[0].raw = (Raw<T>)join_low(even, odd).raw;
    column[1].raw = (Raw<T>)join_high(even, odd).raw;
  }
}

// The first `live` rows, and the first n columns of them.
template <class T>
STRIATE_INLINE void store_columns(const Vec<T> (&column)[kPiece<T>], T* to, int64_t row_step,
                                  int live, int n) {
  if constexpr (sizeof(T) == 4) {
    Floats quad[4] = {column[0], column[1], column[2], column[3]};
    transpose_quads(quad);
    store_rows(quad, live, n, [=](int l) { return to + l * row_step; });
  } else {
    T piece[kPiece<T> * Vec<T>::lanes];
    const Floats a{(Raw<float>)column[0].raw}, b{(Raw<float>)column[1].raw};
    Vec<T>{(Raw<T>)join_low(a, b).raw}.store(piece);
    Vec<T>{(Raw<T>)join_high(a, b).raw}.store(piece + Vec<T>::lanes);
    for (int l = 0; l < live; ++l) {
      const T* from = piece + l % 2 * Vec<T>::lanes + l / 2 * 2;
      if (n == kPiece<T>) {
        __builtin_memcpy(to + l * row_step, from, 16);
      } else {
        for (int i = 0; i < n; ++i) to[l * row_step + i] = from[i];
      }
    }
  }
}

}  // namespace
}  // namespace striate::cpu
