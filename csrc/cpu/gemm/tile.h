// The micro-kernel of every matrix product here: a tile of registers, `rows` values of A broadcast
// against `columns` lanes of B at each step. Its shape leaves registers for one row of B and one
// broadcast value: 8 x 3 vectors of 32 registers, 6 x 2 of 16.
#pragma once

#include "core/integer.h"
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
// The common cases, known to the compiler: packed, and as they lie along k, or along m.
struct PackedRows {
  static constexpr int64_t step = kTileRows;
  static constexpr int64_t row = 1;
};
struct StepsTogether {
  static constexpr int64_t step = 1;
  int64_t row;
};
struct RowsTogether {
  int64_t step;
  static constexpr int64_t row = 1;
};
// Filters whose rows lie side by side: as many steps along k as from row to row, then the next
// channel's, `channel` behind these.
struct FiltersTogether {
  static constexpr int64_t step = 1;
  int64_t row;
  int64_t channel;
};
template <class AStrides>
inline constexpr bool kAreFilters = false;
template <>
inline constexpr bool kAreFilters<FiltersTogether> = true;

// One of the two strides is 1.
template <class Body>
STRIATE_INLINE void with_strides(Strides strides, const Body& body) {
  if (strides.step == 1) return body(StepsTogether{strides.row});
  if (strides.step == kTileRows) return body(PackedRows{});
  body(RowsTogether{strides.step});
}

// Where row k of B starts: each `step` behind the last, as in a packed panel, or anywhere.
struct EvenRows {
  int64_t step;
  STRIATE_INLINE int64_t at(int64_t k) const { return k * step; }
};
template <class T>
struct PanelRows {
  STRIATE_INLINE int64_t at(int64_t k) const { return k * kTileColumns<T>; }
};
struct RowsAt {
  const int32_t* offsets;
  STRIATE_INLINE int64_t at(int64_t k) const { return offsets[k]; }
};

// Steps of a tile's loop that are written out: two are up to a tenth faster than one or four.
inline constexpr int kSteps = 2;

// sum[m][v] += A(k, m) * B(k, v) for one k
template <class T, int rows, int vectors>
STRIATE_INLINE void add_step(const T* a, int64_t a_row, const T* b, Vec<T> (&sum)[rows][vectors]) {
  Vec<T> columns[vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) columns[v] = Vec<T>::load(b + v * Vec<T>::lanes);
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
    const Vec<T> value = Vec<T>::set(a[m * a_row]);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sum[m][v] = fma(value, columns[v], sum[m][v]);
  }
}

// Nothing to do beside a product.
struct Nothing {
  STRIATE_INLINE void operator()() const {}
};

// Steps between two calls of what a product does beside its sums.
template <class T>
inline constexpr int64_t kStepsPerPiece = 64 / sizeof(T);

// sum[m][v] += sum over k of A(k, m) * B(k, v). Every kStepsPerPiece steps (or filter) it calls
// beside(): to ask for memory a little at a time does not hold up the loads of B.
template <class T, int rows, int vectors, class AStrides, class BRows, class Beside = Nothing>
STRIATE_INLINE void add_to_tile(int64_t depth, const T* a, AStrides a_strides, const T* b,
                                BRows b_rows, Vec<T> (&sum)[rows][vectors],
                                const Beside& beside = {}) {
  constexpr bool filters = kAreFilters<AStrides>;
  int64_t piece = kStepsPerPiece<T>;
  if constexpr (filters) piece = a_strides.row;
  for (int64_t k = 0; k < depth;) {
    beside();
    if constexpr (filters) {
      constexpr int64_t kAhead = 4, kLine = 64 / sizeof(T);
      const T* later = a + kAhead * a_strides.channel;
      for (int64_t i = 0; i < rows * piece + kLine; i += kLine) __builtin_prefetch(later + i);
    }
    const int64_t stop = least(depth, k + piece);
    for (; k + kSteps <= stop; k += kSteps) {
      if constexpr (!filters) {
        // A comes from a farther cache than B's lines, which repeat: ask for it early.
#pragma GCC unroll 2
        for (int i = 0; i < kSteps; ++i) __builtin_prefetch(a + (32 + i) * a_strides.step);
      }
#pragma GCC unroll 2
      for (int i = 0; i < kSteps; ++i) {
        add_step<T, rows, vectors>(a, a_strides.row, b + b_rows.at(k + i), sum);
        a += a_strides.step;
        // Or gcc would keep an offset for each row and step, and load ahead of the sums: more than
        // there are registers.
        asm volatile("" : "+r"(a) : : "memory");
      }
    }
    if (k < stop) {
      add_step<T, rows, vectors>(a, a_strides.row, b + b_rows.at(k), sum);
      a += a_strides.step;
      ++k;
    }
    if constexpr (filters) a += a_strides.channel - piece;
  }
}

template <class T, int rows, int vectors>
STRIATE_INLINE void clear_tile(Vec<T> (&sum)[rows][vectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[m][v] = Vec<T>::zero();
}

// sum[m][v] = sum over k of A(k, m) * B(k, v), with add_to_tile.
template <class T, int rows, int vectors, class AStrides, class BRows, class Beside = Nothing>
STRIATE_INLINE void multiply_tile(int64_t depth, const T* a, AStrides a_strides, const T* b,
                                  BRows b_rows, Vec<T> (&sum)[rows][vectors],
                                  const Beside& beside = {}) {
  clear_tile(sum);
  add_to_tile(depth, a, a_strides, b, b_rows, sum, beside);
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
