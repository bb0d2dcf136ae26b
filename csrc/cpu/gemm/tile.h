// The micro-kernel of every matrix product here: a tile of registers, `rows` values of A broadcast
// against `columns` lanes of B at each step. Its shape leaves registers for one row of B and one
// broadcast value: 8 x 3 vectors of 32 registers, 6 x 2 of 16.
#pragma once

#include "core/plan/tile.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kTileRows = 8;
inline constexpr int kTileVectors = 3;
#else
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;
#endif

template <class T>
constexpr int kTileColumns = kTileVectors * Vec<T>::lanes;

// A's values for step k and row m lie at a[k * step + m * row].
struct Strides {
  int64_t step;
  int64_t row;
};
struct PackedRows {  // the common case, known to the compiler
  static constexpr int64_t step = kTileRows;
  static constexpr int64_t row = 1;
};

// Where row k of B starts: each `step` behind the last, or anywhere.
struct EvenRows {
  int64_t step;
  STRIATE_INLINE int64_t at(int64_t k) const { return k * step; }
};
struct RowsAt {
  const int32_t* offsets;
  STRIATE_INLINE int64_t at(int64_t k) const { return offsets[k]; }
};

// sum[m][v] = sum over k of A(k, m) * B(k, v)
template <class T, int rows, int vectors, class AStrides, class BRows>
STRIATE_INLINE void multiply_tile(int64_t depth, const T* a, AStrides a_strides, const T* b,
                                  BRows b_rows, Vec<T> (&sum)[rows][vectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[m][v] = Vec<T>::zero();
  for (int64_t k = 0; k < depth; ++k) {
    // A comes from a farther cache than B's lines, which repeat: ask for it early.
    __builtin_prefetch(a + 32 * a_strides.step);
    const T* row = b + b_rows.at(k);
    Vec<T> columns[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) columns[v] = Vec<T>::load(row + v * Vec<T>::lanes);
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      const Vec<T> value = Vec<T>::set(a[m * a_strides.row]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[m][v] = fma(value, columns[v], sum[m][v]);
    }
    a += a_strides.step;
  }
}

// A number that the compiler knows, as an argument.
template <int value>
struct Constant {
  static constexpr int get = value;
};

// Calls body(Constant<n>) for the n in [1, most] that is asked for.
template <int most, class Body>
STRIATE_INLINE void with_count(int64_t n, const Body& body) {
  if constexpr (most > 1) {
    if (n < most) return with_count<most - 1>(n, body);
  }
  body(Constant<most>{});
}

// Calls body with the smallest compiled number of rows that holds `rows`.
template <class Body>
STRIATE_INLINE void with_tile_rows(int rows, const Body& body) {
  if (rows > 4) return body(Constant<kTileRows>{});
  if (rows > 2) return body(Constant<4>{});
  if (rows > 1) return body(Constant<2>{});
  body(Constant<1>{});
}

template <class Body>
STRIATE_INLINE void with_tile_vectors(int vectors, const Body& body) {
  if (vectors == kTileVectors) return body(Constant<kTileVectors>{});
  if (kTileVectors > 2 && vectors == 2) return body(Constant<2>{});
  body(Constant<1>{});
}

}  // namespace
}  // namespace striate::cpu
