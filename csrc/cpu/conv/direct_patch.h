// What direct convolution reads: a padded copy of the rows of the source that a block of result
// rows sees, laid out so that every tap is a plain load.
#pragma once

#include "core/formula/activation.h"
#include "core/plan/implicit_gemm.h"
#include "cpu/parallel.h"
#include "cpu/simd/interleave.h"

namespace striate::cpu {
namespace {

STRIATE_INLINE int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }
STRIATE_INLINE int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
STRIATE_INLINE int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

// Planes whose rows are much shorter than a vector are interleaved, element 0 of each, then element
// 1 of each: how many, a power of two.
template <class T>
int planes_together(int64_t columns, int64_t planes) {
  constexpr int lanes = Vec<T>::lanes;
  int best = 1;
  double best_use = 0;
  for (int together = 1; together <= lanes && together < 2 * planes; together *= 2) {
    const int64_t wanted = columns * together;
    const double use = static_cast<double>(wanted) / static_cast<double>(round_up(wanted, lanes));
    if (use > best_use * 1.2) {
      best = together;
      best_use = use;
    }
    if (use >= 0.75) break;
  }
  return best;
}

// One row of the patch is one segment where the window moves by one column; its even columns and
// then its odd ones where it moves by two; and one segment for each tap, else.
enum class Columns { whole, halves, taps };

struct Patch {
  int64_t src[kSpatial];
  int64_t depth_stride, depth_offset, depth_step, depth_taps;
  int64_t stride, lowest, reach;  // of rows; taps are counted from the least offset
  int64_t row_stride;             // of the patch, which leaves out rows that no tap sees
  Columns columns;
  int64_t column_stride, column_lowest, column_count;
  int64_t column_offset, column_step, column_taps, grid_columns;
  int64_t segment, pitch;  // elements
  int together;

  int64_t rows(int64_t result_rows) const { return (result_rows - 1) * row_stride + reach + 1; }
  int64_t plane(int64_t result_rows) const { return rows(result_rows) * pitch; }

  // Where in a row the tap at `offset` of the source begins; `tap` is its number.
  int64_t place(int64_t offset, int64_t tap) const {
    const int64_t column = offset - column_lowest;
    if (columns == Columns::taps) return tap * segment;
    if (columns == Columns::halves) return column % 2 * segment + column / 2 * together;
    return column * together;
  }
};

// The patch of g, or of two phases of an input gradient that differ in their columns alone.
template <class T>
Patch make_patch(const ImplicitGemm& g, const ImplicitGemm* twin, int together) {
  Patch p{};
  for (int i = 0; i < kSpatial; ++i) p.src[i] = g.src[i];
  p.depth_stride = g.src_stride[0];
  p.depth_offset = g.tap_offset[0];
  p.depth_step = g.tap_step[0];
  p.depth_taps = g.taps[0];
  const auto first = [](const ImplicitGemm& each, int axis) {
    return least(each.tap_offset[axis],
                 each.tap_offset[axis] + (each.taps[axis] - 1) * each.tap_step[axis]);
  };
  const auto last = [](const ImplicitGemm& each, int axis) {
    return greatest(each.tap_offset[axis],
                    each.tap_offset[axis] + (each.taps[axis] - 1) * each.tap_step[axis]);
  };
  p.stride = g.src_stride[1];
  p.lowest = first(g, 1);
  p.reach = last(g, 1) - p.lowest;
  p.row_stride = least(p.stride, p.reach + 1);
  p.column_stride = g.src_stride[2];
  p.column_lowest = first(g, 2);
  p.grid_columns = g.grid[2];
  int64_t highest = last(g, 2);
  if (twin != nullptr) {
    p.column_lowest = least(p.column_lowest, first(*twin, 2));
    highest = greatest(highest, last(*twin, 2));
    p.grid_columns = greatest(p.grid_columns, twin->grid[2]);
  }
  p.column_count = (p.grid_columns - 1) * p.column_stride + highest - p.column_lowest + 1;
  p.column_offset = g.tap_offset[2];
  p.column_step = g.tap_step[2];
  p.column_taps = g.taps[2];
  p.columns = p.column_stride == 1   ? Columns::whole
              : p.column_stride == 2 ? Columns::halves
                                     : Columns::taps;
  const int64_t each = p.columns == Columns::whole    ? p.column_count
                       : p.columns == Columns::halves ? ceil_div(p.column_count, 2)
                                                      : p.grid_columns;
  p.together = together;
  p.segment = round_up(each * together, Vec<T>::lanes);
  p.pitch = p.segment * (p.columns == Columns::whole    ? 1
                         : p.columns == Columns::halves ? 2
                                                        : p.column_taps);
  return p;
}

// The rows of a patch, and where they lie in the source: `live` of the planes that lie together are
// there, `apart` elements from each other.
template <class T>
struct PatchRows {
  const T *src, *mask;
  int64_t apart;
  int live;
  bool inside;    // of the source's depth
  int64_t first;  // row
  int64_t count;

  // body(row of the patch, start of that row in the source, or -1 where it lies in the padding)
  template <class Body>
  STRIATE_INLINE void for_each(const Patch& p, const Body& body) const {
    // Runs over the rows that one row of the result sees and then skips what no tap sees.
    int64_t h = first, seen = 0;
    for (int64_t i = 0; i < count; ++i, ++h) {
      if (seen == p.row_stride) {
        h += p.stride - p.row_stride;
        seen = 0;
      }
      ++seen;
      body(i, inside && h >= 0 && h < p.src[1] ? h * p.src[2] : -1);
    }
  }
};

template <class T, int together>
STRIATE_INLINE void store_together(Vec<T> (&v)[together], T* out, int64_t left) {
  interleave_rows(v);
#pragma GCC unroll 16
  for (int k = 0; k < together; ++k)
    if (k == 0 || k * Vec<T>::lanes < left) v[k].store(out + k * Vec<T>::lanes);
}

template <class T, int together>
STRIATE_INLINE void copy_whole(const Patch& p, const PatchRows<T>& rows, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  for (int64_t to = 0; to < p.segment; to += together * lanes) {
    const int64_t column = p.column_lowest + to / together;
    const LaneRange<T> range(-column, p.src[2] - column);
    rows.for_each(p, [&](int64_t i, int64_t start) {
      Vec<T> v[together];
#pragma GCC unroll 16
      for (int k = 0; k < together; ++k) {
        v[k] = Vec<T>::zero();
        if (start < 0 || (together > 1 && k >= rows.live)) continue;
        const int64_t at = start + k * rows.apart + column;
        v[k] = range.load(rows.src + at);
        if (rows.mask != nullptr) v[k] = formula::relu_grad(v[k], range.load(rows.mask + at));
      }
      store_together(v, out + i * p.pitch + to, p.segment - to);
    });
  }
}

template <class T, int together>
STRIATE_INLINE void copy_halves(const Patch& p, const PatchRows<T>& rows, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  for (int64_t to = 0; to < p.segment; to += together * lanes) {
    const int64_t column = p.column_lowest + to / together * 2;
    const LaneRange<T> first(-column, p.src[2] - column);
    const LaneRange<T> second(-column - lanes, p.src[2] - column - lanes);
    rows.for_each(p, [&](int64_t i, int64_t start) {
      Vec<T> even[together], odd[together];
#pragma GCC unroll 16
      for (int k = 0; k < together; ++k) {
        even[k] = odd[k] = Vec<T>::zero();
        if (start < 0 || (together > 1 && k >= rows.live)) continue;
        const int64_t at = start + k * rows.apart + column;
        Vec<T> low = first.load(rows.src + at), high = second.load(rows.src + at + lanes);
        if (rows.mask != nullptr) {
          low = formula::relu_grad(low, first.load(rows.mask + at));
          high = formula::relu_grad(high, second.load(rows.mask + at + lanes));
        }
        even[k] = take_even(low, high);
        odd[k] = take_odd(low, high);
      }
      T* row = out + i * p.pitch + to;
      store_together(even, row, p.segment - to);
      store_together(odd, row + p.segment, p.segment - to);
    });
  }
}

template <class T>
STRIATE_INLINE void copy_taps(const Patch& p, const PatchRows<T>& rows, T* out) {
  rows.for_each(p, [&](int64_t i, int64_t start) {
    for (int64_t tap = 0; tap < p.column_taps; ++tap) {
      T* to = out + i * p.pitch + tap * p.segment;
      for (int64_t l = 0; l < p.segment; ++l) to[l] = 0;
      if (start < 0) continue;
      for (int k = 0; k < rows.live; ++k)
        for (int64_t q = 0; q < p.grid_columns; ++q) {
          const int64_t column = q * p.column_stride + p.column_offset + tap * p.column_step;
          if (column < 0 || column >= p.src[2]) continue;
          const int64_t at = start + k * rows.apart + column;
          if (rows.mask == nullptr || !(rows.mask[at] <= T(0)))
            to[q * p.together + k] = rows.src[at];
        }
    }
  });
}

template <int count>
struct Count {
  static constexpr int value = count;
};

// body(Count) for the number of planes that lie together.
template <class T, int count = 1, class Body>
STRIATE_INLINE void with_together(int together, const Body& body) {
  if constexpr (count < Vec<T>::lanes) {
    if (together > count) return with_together<T, 2 * count>(together, body);
  }
  body(Count<count>{});
}

// The planes that result rows row to row + rows - 1 at `depth` see, one for each tap of the depth.
template <class T>
void copy_patch(const Patch& p, const T* src, const T* mask, int64_t apart, int live, int64_t depth,
                int64_t row, int64_t rows, T* out) {
  for (int64_t tap = 0; tap < p.depth_taps; ++tap, out += p.plane(rows)) {
    const int64_t d = depth * p.depth_stride + p.depth_offset + tap * p.depth_step;
    const int64_t plane = d * p.src[1] * p.src[2];
    const PatchRows<T> from{src + plane,
                            mask == nullptr ? nullptr : mask + plane,
                            apart,
                            live,
                            d >= 0 && d < p.src[0],
                            row * p.stride + p.lowest,
                            p.rows(rows)};
    if (p.columns == Columns::taps)
      copy_taps(p, from, out);
    else
      with_together<T>(p.together, [&](auto together) {
        constexpr int count = decltype(together)::value;
        if (p.columns == Columns::whole)
          copy_whole<T, count>(p, from, out);
        else
          copy_halves<T, count>(p, from, out);
      });
  }
}

// How many rows of the result a task takes: `tile` and its multiples, so that the patch stays in a
// core's own cache.
inline int64_t rows_per_block(const Patch& p, int64_t channels, int64_t grid_rows, int64_t tile) {
  constexpr int64_t kPatchElements = 16 * 1024;
  const int64_t rows =
      (kPatchElements / (channels * p.depth_taps * p.pitch + 1) - p.reach) / p.row_stride;
  if (rows >= grid_rows) return grid_rows;
  return least(grid_rows, greatest(rows / tile, 1) * tile);
}

}  // namespace
}  // namespace striate::cpu
