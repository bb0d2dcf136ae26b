// What direct convolution reads: rows of the source where they lie, without their padding. Columns
// and rows beyond the source are lanes that are not loaded. Where a row takes half of a vector or
// less, two rows of the result share one.
#pragma once

#include "core/formula/activation.h"
#include "core/plan/implicit_gemm.h"
#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"
#include "cpu/simd/interleave.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu {
namespace {

inline constexpr int64_t kChunkSums = 128 * 1024;  // multiplications that are worth a chunk
inline constexpr int64_t kTasks = 16;              // enough for many threads to share them evenly
inline constexpr int kRowTile = 7;                 // rows of the result that are computed together

STRIATE_INLINE int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
STRIATE_INLINE int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

// How rows and columns of the result see the source. Taps are counted upwards from the lowest one
// in the source.
struct DirectView {
  int64_t src_rows, src_columns;
  int64_t row_stride, lowest_row, taps_h, tap_row;
  int64_t column_stride, first_column, taps_w, tap_column;
  int together;  // rows of the result in a vector

  int64_t reach() const { return (taps_h - 1) * tap_row; }
  // Rows of the source from one vector of the result to the next.
  int64_t step() const { return row_stride * together; }
};

// Two rows of the result to a vector, where a row takes half of one or less.
template <class T>
int rows_together(const ImplicitGemm& g) {
  const bool even = g.src_stride[1] == 1 && g.src_stride[2] == 1 && g.dst_stride[1] == 1 &&
                    g.dst_stride[2] == 1 && g.src[2] == g.grid[2];
  return even && g.grid[1] > 1 && 2 * g.grid[2] <= Vec<T>::lanes ? 2 : 1;
}

STRIATE_INLINE int64_t lowest_tap(const ImplicitGemm& g, int axis) {
  return least(g.tap_offset[axis], g.tap_offset[axis] + (g.taps[axis] - 1) * g.tap_step[axis]);
}

inline DirectView direct_view(const ImplicitGemm& g, int together) {
  DirectView v{};
  v.src_rows = g.src[1];
  v.src_columns = g.src[2];
  v.row_stride = g.src_stride[1];
  v.lowest_row = lowest_tap(g, 1);
  v.taps_h = g.taps[1];
  v.tap_row = g.taps[1] == 1 ? 1 : magnitude(g.tap_step[1]);
  v.column_stride = g.src_stride[2];
  v.first_column = lowest_tap(g, 2);
  v.taps_w = g.taps[2];
  v.tap_column = g.taps[2] == 1 ? 1 : magnitude(g.tap_step[2]);
  v.together = together;
  return v;
}

// How a vector of the result sees the source: consecutive columns, those of two rows, every second,
// or further apart.
enum class Columns { consecutive, two_rows, halves, apart };

// The compiled tile that serves a view: its rows of taps (0: any), and rows of the source from one
// vector of the result to the next.
struct TileKind {
  int taps_h, step;
  Columns columns;
};

inline TileKind tile_kind(const DirectView& v, int64_t rows) {
  const Columns columns = v.together > 1         ? Columns::two_rows
                          : v.column_stride == 1 ? Columns::consecutive
                          : v.column_stride == 2 ? Columns::halves
                                                 : Columns::apart;
  const TileKind any{0, 0, columns};
  const bool serves = v.step() == 1 ? v.taps_h <= 5 || v.taps_h == 7
                                    : v.step() == 2 && v.taps_h % 2 == 1 && v.taps_h <= 7;
  // Compiled tiles look for the padding in the first and last rows alone.
  const int64_t beyond = (rows - 1) * v.row_stride + v.lowest_row + v.taps_h - v.src_rows;
  if (!serves || v.tap_row != 1 || -v.lowest_row >= v.taps_h || beyond >= v.taps_h) return any;
  if (columns == Columns::apart || (columns != Columns::consecutive && v.step() != 2)) return any;
  return {static_cast<int>(v.taps_h), static_cast<int>(v.step()), columns};
}

template <Columns columns_of>
struct ColumnsOf {
  static constexpr Columns get = columns_of;
};

// body(Constant<taps_h>, Constant<step>, ColumnsOf<columns>) for a kind of tile.
template <Columns columns, class Body>
STRIATE_INLINE auto with_tile_kind(const TileKind& kind, const Body& body) {
  constexpr ColumnsOf<columns> c{};
  // Only what is common: each of these takes seconds to compile.
  if constexpr (columns == Columns::consecutive) {
    if (kind.step == 1) {
      if (kind.taps_h == 1) return body(Constant<1>{}, Constant<1>{}, c);
      if (kind.taps_h == 3) return body(Constant<3>{}, Constant<1>{}, c);
      if (kind.taps_h == 5) return body(Constant<5>{}, Constant<1>{}, c);
      if (kind.taps_h == 7) return body(Constant<7>{}, Constant<1>{}, c);
    }
  }
  if constexpr (columns == Columns::halves) {
    if (kind.step == 2) {
      if (kind.taps_h == 3) return body(Constant<3>{}, Constant<2>{}, c);
      if (kind.taps_h == 5) return body(Constant<5>{}, Constant<2>{}, c);
    }
  }
  return body(Constant<0>{}, Constant<0>{}, c);
}

template <class Body>
STRIATE_INLINE auto with_tile_kind(const TileKind& kind, const Body& body) {
  if (kind.columns == Columns::consecutive) return with_tile_kind<Columns::consecutive>(kind, body);
  if (kind.columns == Columns::two_rows) return with_tile_kind<Columns::two_rows>(kind, body);
  if (kind.columns == Columns::halves) return with_tile_kind<Columns::halves>(kind, body);
  return with_tile_kind<Columns::apart>(kind, body);
}

// The lanes of a vector from row `row` of the source on that lie in one of its rows.
template <class T, Columns columns>
STRIATE_INLINE LaneSet<T> rows_inside(const DirectView& v, int64_t row) {
  if constexpr (columns == Columns::two_rows)
    return LaneSet<T>::range(-row * v.src_columns, (v.src_rows - row) * v.src_columns);
  return row >= 0 && row < v.src_rows ? LaneSet<T>::all() : LaneSet<T>();
}

// The same for the rows of a tile, where only the first and the last may lie outside.
template <class T, int taps_h, int count, Columns columns>
struct RowsInside {
  static constexpr bool edge(int i) { return i < taps_h - 1 || i >= count - taps_h; }
  LaneSet<T> lanes[count];

  STRIATE_INLINE RowsInside(const DirectView& v, int64_t first_row) {
#pragma GCC unroll 32
    for (int i = 0; i < count; ++i)
      if (edge(i)) lanes[i] = rows_inside<T, columns>(v, first_row + i);
  }
  STRIATE_INLINE LaneSet<T> at(int i) const { return edge(i) ? lanes[i] : LaneSet<T>::all(); }
};

// What one tap sees of a row for one vector of the result, whose first lane sees column `first`;
// of its lanes, the first `live` ones.
template <class T, Columns columns>
struct TapColumns {
  LaneSet<T> low, high;
  int64_t at, stride;

  TapColumns() = default;
  STRIATE_INLINE TapColumns(const DirectView& v, int64_t first, int live)
      : at(first), stride(v.column_stride) {
    constexpr int lanes = Vec<T>::lanes;
    const int64_t width = v.src_columns;
    if constexpr (columns == Columns::apart) {
      low = LaneSet<T>::range(ceil_div(greatest(0, -first), stride),
                              least(live, ceil_div(greatest(0, width - first), stride)));
    } else if constexpr (columns == Columns::halves) {
      const int64_t end = least(width - first, 2 * live);
      low = LaneSet<T>::range(-first, end);
      high = LaneSet<T>::range(-first - lanes, end - lanes);
    } else if constexpr (columns == Columns::two_rows) {
      const int64_t begin = greatest(0, -first), end = least(width, width - first);
      low = (LaneSet<T>::range(begin, end) | LaneSet<T>::range(width + begin, width + end)) &
            LaneSet<T>::range(0, live);
    } else {
      low = LaneSet<T>::range(-first, least(width - first, live));
    }
  }
  STRIATE_INLINE Vec<T> load(const T* row, LaneSet<T> inside) const {
    if constexpr (columns == Columns::apart)
      return (low & inside).load_strided(row + at, stride);
    else if constexpr (columns == Columns::halves)
      return take_even((low & inside).load(row + at),
                       (high & inside).load(row + at + Vec<T>::lanes));
    else
      return (low & inside).load(row + at);
  }
  // And what the tap of the next column does.
  STRIATE_INLINE void load(const T* row, LaneSet<T> inside, Vec<T>* even, Vec<T>* odd) const {
    const Vec<T> a = (low & inside).load(row + at);
    const Vec<T> b = (high & inside).load(row + at + Vec<T>::lanes);
    *even = take_even(a, b);
    *odd = take_odd(a, b);
  }
};

// What every tap sees for the vector of the result from `column` on, of `width` columns.
template <class T, Columns columns>
STRIATE_INLINE void see_columns(const DirectView& v, int64_t column, int64_t width, bool exact,
                                TapColumns<T, columns>* seen) {
  const int live = exact ? static_cast<int>(least(width - column, Vec<T>::lanes)) : Vec<T>::lanes;
  for (int64_t w = 0; w < v.taps_w; ++w)
    seen[w] = TapColumns<T, columns>(
        v, v.first_column + column * v.column_stride + w * v.tap_column, live);
}

}  // namespace
}  // namespace striate::cpu
