// What pooling kernels share: which part of a window is inside the input, and how the output is cut
// into blocks.
#pragma once

#include "core/formula/window_taps.h"
#include "cpu/parallel.h"
#include "cpu/simd/interleave.h"

namespace striate::cpu {
namespace {

using formula::taps_inside;
using formula::window_extent;
using formula::window_origin;

// Elements of scratch; more only where a single window covers more columns of the input.
constexpr int64_t kScratch = 4096;
// Elements that a chunk reads: some tens of microseconds of work.
constexpr int64_t kReadsPerChunk = 131072;

// What the two have in common; size 0 where that is nothing.
constexpr Range overlap(Range a, Range b) {
  const int64_t begin = least(greatest(a.begin, b.begin), a.end);
  return {begin, greatest(begin, least(a.end, b.end))};
}

// The rows that the windows of one output row share: those inside the input.
template <class T>
struct Rows {
  const T* first;  // its element in column 0
  int64_t depth, height;
  int64_t depth_step, height_step;      // in memory
  int64_t depth_offset, height_offset;  // in the input's plane

  int64_t count() const { return depth * height; }
};

// `plane` is the input's, and the output row is at (depth, height).
template <class T>
STRIATE_INLINE Rows<T> rows_inside(const Window& w, const T* plane, int64_t depth, int64_t height) {
  const Range d = taps_inside(w, 0, depth);
  const Range h = taps_inside(w, 1, height);
  if (d.size() <= 0 || h.size() <= 0) return {plane, 0, 0, 0, 0, 0, 0};
  const int64_t row = w.in[2];
  const int64_t layer = w.in[1] * row;
  const int64_t first = (window_origin(w, 0, depth) + d.begin * w.dilation[0]) * layer +
                        (window_origin(w, 1, height) + h.begin * w.dilation[1]) * row;
  const int64_t depth_step = d.size() > 1 ? w.dilation[0] * layer : 0;
  const int64_t height_step = h.size() > 1 ? w.dilation[1] * row : 0;
  return {plane + first, d.size(), h.size(), depth_step, height_step, depth_step, height_step};
}

// p[0], p[stride], ...: the first n lanes, as Vec::load_strided, which has no quick way for 4.
template <class T>
STRIATE_INLINE Vec<T> load_columns(const T* p, int64_t stride, int n) {
  if (stride != 4) return Vec<T>::load_strided(p, stride, n);
  constexpr int lanes = Vec<T>::lanes;
  const int pairs = n > 0 ? 2 * n - 1 : 0;  // two apart; of these, every other one
  const int first = pairs < lanes ? pairs : lanes;
  return take_even(Vec<T>::load_strided(p, 2, first),
                   Vec<T>::load_strided(p + 2 * lanes, 2, pairs - first));
}

// How the output is cut: into blocks of rows and columns, and those into chunks.
struct Cut {
  int64_t columns, heights;  // of a block
  int64_t per_row, per_layer, count, per_chunk;
};

// `rows` scratch rows serve one output row, and `more` further ones each further row.
STRIATE_INLINE Cut cut(const PoolProblem& p, int64_t rows, int64_t more) {
  const Window& w = p.window;
  rows = greatest(1, rows);  // none where the input is empty
  more = greatest(1, more);
  const int64_t wide = window_extent(w, 2);
  const int64_t room = kScratch / rows - wide;
  Cut c;
  c.columns = least(w.out[2], room > 0 ? room / w.stride[2] + 1 : 1);
  const int64_t span = (c.columns - 1) * w.stride[2] + wide;
  const int64_t free = kScratch / span - rows;
  c.heights = least(w.out[1], free > 0 ? free / more + 1 : 1);
  c.per_row = ceil_div(w.out[2], c.columns);
  c.per_layer = c.per_row * ceil_div(w.out[1], c.heights);
  c.count = p.planes() * w.out[0] * c.per_layer;
  const int64_t window_rows = least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]);
  const int64_t reads =
      c.heights * (window_rows * least(w.in[2], span) + c.columns * least(w.kernel[2], w.in[2]));
  c.per_chunk = greatest(1, kReadsPerChunk / greatest(1, reads));
  return c;
}

// A block of the output, and what its windows cover.
struct Block {
  int64_t plane, depth;
  Range heights, columns;
  Range span;   // of input columns, padding included
  bool inside;  // whether all of the span is inside the input

  STRIATE_INLINE int64_t output(const Window& w, int64_t height) const {
    return ((plane * w.out[0] + depth) * w.out[1] + height) * w.out[2];
  }
};

STRIATE_INLINE Block block_at(const Window& w, const Cut& c, int64_t i) {
  const int64_t in_layer = i % c.per_layer, layer = i / c.per_layer;
  const int64_t height = in_layer / c.per_row * c.heights,
                column = in_layer % c.per_row * c.columns;
  Block b;
  b.plane = layer / w.out[0];
  b.depth = layer % w.out[0];
  b.heights = {height, least(height + c.heights, w.out[1])};
  b.columns = {column, least(column + c.columns, w.out[2])};
  b.span = {window_origin(w, 2, b.columns.begin),
            window_origin(w, 2, b.columns.end - 1) + window_extent(w, 2)};
  b.inside = b.span.begin >= 0 && b.span.end <= w.in[2];
  return b;
}

// body(block, scratch) for every block of the output.
template <class T, class Body>
STRIATE_INLINE void for_each_block(const PoolProblem& p, const Cut& c, const Context& context,
                                   const Body& body) {
  const int64_t elements =
      greatest(kScratch, least(p.window.in[2], window_extent(p.window, 2))) + Vec<T>::lanes;
  parallel_for(context, ceil_div(c.count, c.per_chunk), elements * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 const int64_t end = least((chunk + 1) * c.per_chunk, c.count);
                 for (int64_t i = chunk * c.per_chunk; i < end; ++i)
                   body(block_at(p.window, c, i), static_cast<T*>(scratch));
               });
}

}  // namespace
}  // namespace striate::cpu
