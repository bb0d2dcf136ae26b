// Sums over windows and their gradients: what average and Lp pooling share. Small windows of one
// size: lanes run along a row of the output, and the rows of the windows are added up first, into
// scratch rows with the padding's zeros, and then their columns. Wide windows, and those of
// changing size: one window at a time, lanes along its rows.
#pragma once

#include "core/formula/avg_pool.h"
#include "cpu/pool/blocks.h"

namespace striate::cpu {
namespace {

using formula::window_range;
using formula::WindowRange;
using formula::windows_over;

// What the problem says of every output, and of every row of the input, once for all chunks.
template <class T>
struct Tables {
  WindowRange* windows[kSpatial];
  T* column_counts;  // of the last axis
  Range* rows[2];    // the outputs over the input's layers and rows
  void* memory;

  Tables(const AvgPoolProblem& p, const Context& context) {
    const Window& w = p.window;
    const int64_t outputs = w.out[0] + w.out[1] + w.out[2], inputs = w.in[0] + w.in[1];
    memory = context.allocate(static_cast<size_t>(outputs) * sizeof(WindowRange) +
                              static_cast<size_t>(inputs) * sizeof(Range) +
                              static_cast<size_t>(w.out[2]) * sizeof(T));
    auto* next_window = static_cast<WindowRange*>(memory);
    for (int axis = 0; axis < kSpatial; ++axis) {
      windows[axis] = next_window;
      for (int64_t o = 0; o < w.out[axis]; ++o) *next_window++ = window_range(p, axis, o);
    }
    auto* next_row = reinterpret_cast<Range*>(next_window);
    for (int axis = 0; axis < 2; ++axis) {
      rows[axis] = next_row;
      for (int64_t i = 0; i < w.in[axis]; ++i) *next_row++ = windows_over(p, axis, i);
    }
    column_counts = reinterpret_cast<T*>(next_row);
    for (int64_t o = 0; o < w.out[2]; ++o) column_counts[o] = static_cast<T>(windows[2][o].count);
  }
};

// The sum of each column's terms over all rows, 0 for columns of `span` outside [0, width); a
// vector more than the span may be written to. A term is 0 where the element is.
template <class Pool, class T>
STRIATE_INLINE void sum_rows(const Pool& pool, const Rows<T>& rows, Range span, int64_t width,
                             T* to) {
  const Range inside = overlap(span, {0, width});
  for (int64_t i = span.begin; i < inside.begin; i += Vec<T>::lanes)
    Vec<T>::zero().store(to + (i - span.begin));
  for_each_vector<T>(inside.begin, inside.end, [&](int64_t column, int n) {
    Vec<T> sum = Vec<T>::zero();
    for (int64_t d = 0; d < rows.depth; ++d)
      for (int64_t h = 0; h < rows.height; ++h)
        sum = sum + pool.term(Vec<T>::load(
                        rows.first + d * rows.depth_step + h * rows.height_step + column, n));
    sum.store(to + (column - span.begin));
  });
  for (int64_t i = inside.end; i < span.end; i += Vec<T>::lanes)
    Vec<T>::zero().store(to + (i - span.begin));
}

// kStride is the stride, or 0.
template <int kStride, class Pool, class T>
void sum_narrow(const Pool& pool, const AvgPoolProblem& p, const Tables<T>& tables, const T* x,
                T* y, const Context& context) {
  const Window& w = p.window;
  const int64_t stride = kStride > 0 ? kStride : w.stride[2];
  for_each_block<T>(p, cut(p, 1, 1), context, [&](const Block& block, T* sums) {
    const T* const plane = x + block.plane * w.in_size();
    const Range heights = block.heights;
    const int64_t width = block.span.size(), column = block.columns.begin;
    for (int64_t h = heights.begin; h < heights.end; ++h)
      sum_rows(pool, rows_inside(w, plane, block.depth, h), block.span, w.in[2],
               sums + (h - heights.begin) * width);
    for (int64_t h = heights.begin; h < heights.end; ++h) {
      const T* const row = sums + (h - heights.begin) * width;
      T* const to = y + block.output(w, h) + column;
      const int64_t count = tables.windows[0][block.depth].count * tables.windows[1][h].count;
      const Vec<T> rows = Vec<T>::set(static_cast<T>(count));
      for_each_vector<T>(0, block.columns.size(), [&](int64_t o, int n) {
        Vec<T> sum = Vec<T>::zero();
        for (int64_t tap = 0; tap < w.kernel[2]; ++tap)
          sum = sum + load_columns(row + o * stride + tap, stride, n);
        const Vec<T> divisor = rows * Vec<T>::load(tables.column_counts + column + o, n);
        pool.result(sum, divisor).store(to + o, n);
      });
    }
  });
}

template <class Pool, class T>
STRIATE_INLINE T window_sum(const Pool& pool, const Window& w, const T* plane, WindowRange depth,
                            WindowRange height, WindowRange width) {
  constexpr int lanes = Vec<T>::lanes, kSums = 4;  // independent sums hide an addition's latency
  if (width.end - width.begin <= kNarrowPool) {
    T sum = 0;
    for (int64_t d = depth.begin; d < depth.end; ++d)
      for (int64_t h = height.begin; h < height.end; ++h)
        for (int64_t i = width.begin; i < width.end; ++i)
          sum += pool.term(plane[(d * w.in[1] + h) * w.in[2] + i]);
    return sum;
  }
  Vec<T> sum[kSums];
  for (Vec<T>& s : sum) s = Vec<T>::zero();
  for (int64_t d = depth.begin; d < depth.end; ++d) {
    for (int64_t h = height.begin; h < height.end; ++h) {
      const T* const row = plane + (d * w.in[1] + h) * w.in[2];
      int64_t i = width.begin;
      for (; i + kSums * lanes <= width.end; i += kSums * lanes)
#pragma GCC unroll 4
        for (int s = 0; s < kSums; ++s)
          sum[s] = sum[s] + pool.term(Vec<T>::load(row + i + s * lanes));
#pragma GCC unroll 4
      for (int s = 0; s < kSums; ++s, i += lanes)
        if (i < width.end)
          sum[s] = sum[s] +
                   pool.term(Vec<T>::load(row + i, static_cast<int>(least(lanes, width.end - i))));
    }
  }
  return reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class Pool, class T>
void sum_wide(const Pool& pool, const AvgPoolProblem& p, const Tables<T>& tables, const T* x, T* y,
              const Context& context) {
  const Window& w = p.window;
  const int64_t layers = p.planes() * w.out[0];
  const int64_t reads = least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]) *
                            least(w.kernel[2], w.in[2]) * w.out[1] * w.out[2] +
                        1;
  const int64_t per_chunk = greatest(1, kElementsPerChunk / reads);
  parallel_for(context, ceil_div(layers, per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t end = least((chunk + 1) * per_chunk, layers);
    for (int64_t layer = chunk * per_chunk; layer < end; ++layer) {
      const WindowRange depth = tables.windows[0][w.out[0] == 1 ? 0 : layer % w.out[0]];
      const T* const plane = x + (w.out[0] == 1 ? layer : layer / w.out[0]) * w.in_size();
      T* to = y + layer * w.out[1] * w.out[2];
      for (int64_t h = 0; h < w.out[1]; ++h, to += w.out[2]) {
        const WindowRange height = tables.windows[1][h];
        const T rows = static_cast<T>(depth.count * height.count);
        for (int64_t o = 0; o < w.out[2]; ++o)
          to[o] = pool.result(window_sum(pool, w, plane, depth, height, tables.windows[2][o]),
                              rows * tables.column_counts[o]);
      }
    }
  });
}

// Planes of this many vectors at most, each of which is one window.
constexpr int64_t kSmallPlane = 16;

template <class Pool, class T>
void sum_small_planes(const Pool& pool, const AvgPoolProblem& p, const Tables<T>& tables,
                      const T* x, T* y, const Context& context) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t length = p.window.in_size(), whole = length / lanes * lanes;
  const int rest = static_cast<int>(length - whole);
  const T divisor = static_cast<T>(tables.windows[0][0].count * tables.windows[1][0].count) *
                    tables.column_counts[0];
  const int64_t per_chunk = ceil_div(kElementsPerChunk, length);
  parallel_for(context, ceil_div(p.planes(), per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t end = least((chunk + 1) * per_chunk, p.planes());
    for (int64_t plane = chunk * per_chunk; plane < end; ++plane) {
      const T* const from = x + plane * length;
      Vec<T> even = Vec<T>::zero(), odd = Vec<T>::zero();
      int64_t i = 0;
      for (; i + 2 * lanes <= whole; i += 2 * lanes) {
        even = even + pool.term(Vec<T>::load(from + i));
        odd = odd + pool.term(Vec<T>::load(from + i + lanes));
      }
      if (i < whole) even = even + pool.term(Vec<T>::load(from + i));
      if (rest > 0) odd = odd + pool.term(Vec<T>::load(from + whole, rest));
      y[plane] = pool.result(reduce_add(even + odd), divisor);
    }
  });
}

// y = pool.result(sum of pool.term(x) over the window, its divisor), for vectors; for scalars too
// where windows are wide.
template <class Pool, class T>
void sum_windows(const Pool& pool, const AvgPoolProblem& p, const T* x, T* y,
                 const Context& context) {
  const Tables<T> tables(p, context);
  const Window& w = p.window;
  const bool one = w.out_size() == 1 && w.kernel[0] == w.in[0] && w.kernel[1] == w.in[1] &&
                   w.kernel[2] == w.in[2];
  if (one && w.pad[0] + w.pad[1] + w.pad[2] == 0 && w.in_size() > kNarrowPool &&
      w.in_size() <= kSmallPlane * Vec<T>::lanes)
    sum_small_planes(pool, p, tables, x, y, context);
  else if (!p.narrow())
    sum_wide(pool, p, tables, x, y, context);
  else if (p.window.stride[2] == 1)
    sum_narrow<1>(pool, p, tables, x, y, context);
  else if (p.window.stride[2] == 2)
    sum_narrow<2>(pool, p, tables, x, y, context);
  else
    sum_narrow<0>(pool, p, tables, x, y, context);
  context.deallocate(tables.memory);
}

// A row of the input, and the output rows whose windows hold it.
struct Line {
  int64_t plane;
  Range depths, heights;

  // Whether the gradient is the same.
  STRIATE_INLINE bool operator==(const Line& other) const {
    return plane == other.plane && depths.begin == other.depths.begin &&
           depths.end == other.depths.end && heights.begin == other.heights.begin &&
           heights.end == other.heights.end;
  }
};

// write(line, its row of dx, that row's place) for each row of dx; where rows of the same windows
// are equal, for those that differ from the one before, which is copied.
template <bool kCopies, class T, class Write>
STRIATE_INLINE void write_lines(const AvgPoolProblem& p, const Tables<T>& tables, int64_t begin,
                                int64_t end, int64_t first, int64_t columns, T* dx,
                                const Write& write) {
  const Window& w = p.window;
  int64_t layer = begin / w.in[1], row = begin % w.in[1];
  Line previous = {-1, {0, 0}, {0, 0}};
  for (int64_t l = begin; l < end; ++l) {
    const int64_t depth = w.in[0] == 1 ? 0 : layer % w.in[0];
    const Line line = {w.in[0] == 1 ? layer : layer / w.in[0], tables.rows[0][depth],
                       tables.rows[1][row]};
    T* const to = dx + l * w.in[2] + first;
    if (kCopies && line == previous)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        Vec<T>::load(to - w.in[2] + i, n).store(to + i, n);
      });
    else
      write(line, to, l * w.in[2] + first);
    previous = line;
    if (++row == w.in[1]) row = 0, ++layer;
  }
}

// Columns of dx, or of dy, that are done together.
constexpr int64_t kColumns = 1024;

// The shares of a line, spread to their windows' last columns with zeros in between: each element
// of dx is then the sum of kernel[2] neighbours.
template <int kStride, class Pool, class T>
void spread_narrow(const Pool& pool, const AvgPoolProblem& p, const Tables<T>& tables, T* dx,
                   const Context& context) {
  const Window& w = p.window;
  const int64_t kernel = w.kernel[2], stride = kStride > 0 ? kStride : w.stride[2];
  constexpr int64_t kBuffer = kColumns + kNarrowPool + 2 * Vec<T>::lanes;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), 2 * kBuffer * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 T* const spread = static_cast<T*>(scratch);
                 T* const shares = spread + kBuffer;
                 const int64_t begin = chunk * per_chunk, end = least(begin + per_chunk, lines);
                 for (int64_t first = 0; first < w.in[2]; first += kColumns) {
                   const int64_t columns = least(kColumns, w.in[2] - first);
                   const int64_t output = windows_over(p, 2, first).begin;
                   const int64_t count = windows_over(p, 2, first + columns - 1).end - output;
                   // Of `output` in `spread`, which starts kernel - 1 columns before `first`.
                   const int64_t place = output * stride - w.pad[2] + kernel - 1 - first;
                   for (int64_t i = 0; i < columns + kernel - 1; i += Vec<T>::lanes)
                     Vec<T>::zero().store(spread + i);
                   write_lines<Pool::kCopies>(
                       p, tables, begin, end, first, columns, dx,
                       [&](const Line& line, T* to, int64_t at) {
                         pool.write_shares(p, tables, line, output, count,
                                           kStride == 1 ? spread + place : shares);
                         if (kStride != 1)
                           for (int64_t i = 0; i < count; ++i)
                             spread[place + i * stride] = shares[i];
                         for_each_vector<T>(0, columns, [&](int64_t i, int n) {
                           Vec<T> sum = Vec<T>::zero();
                           for (int64_t tap = 0; tap < kernel; ++tap)
                             sum = sum + Vec<T>::load(spread + i + tap, n);
                           pool.gradient(sum, at + i, n).store(to + i, n);
                         });
                       });
                 }
               });
}

template <class Pool, class T>
void spread_wide(const Pool& pool, const AvgPoolProblem& p, const Tables<T>& tables, T* dx,
                 const Context& context) {
  const Window& w = p.window;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), kColumns * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 T* const shares = static_cast<T*>(scratch);
                 const int64_t begin = chunk * per_chunk, end = least(begin + per_chunk, lines);
                 write_lines<Pool::kCopies>(
                     p, tables, begin, end, 0, w.in[2], dx,
                     [&](const Line& line, T* to, [[maybe_unused]] int64_t at) {
                       for_each_vector<T>(
                           0, w.in[2], [&](int64_t i, int n) { Vec<T>::zero().store(to + i, n); });
                       for (int64_t first = 0; first < w.out[2]; first += kColumns) {
                         const int64_t count = least(kColumns, w.out[2] - first);
                         pool.write_shares(p, tables, line, first, count, shares);
                         for (int64_t o = 0; o < count; ++o) {
                           const WindowRange window = tables.windows[2][first + o];
                           if (window.end - window.begin <= kNarrowPool) {
                             for (int64_t i = window.begin; i < window.end; ++i) to[i] += shares[o];
                             continue;
                           }
                           const Vec<T> share = Vec<T>::set(shares[o]);
                           for_each_vector<T>(window.begin, window.end, [&](int64_t i, int n) {
                             (Vec<T>::load(to + i, n) + share).store(to + i, n);
                           });
                         }
                       }
                       if constexpr (!Pool::kCopies)
                         for_each_vector<T>(0, w.in[2], [&](int64_t i, int n) {
                           pool.gradient(Vec<T>::load(to + i, n), at + i, n).store(to + i, n);
                         });
                     });
               });
}

// dx = pool.gradient(sum of the shares of the windows that hold x, x's place and lanes);
// pool.write_shares adds up those of a line's output rows.
template <class Pool, class T>
void spread_windows(const Pool& pool, const AvgPoolProblem& p, T* dx, const Context& context) {
  const Tables<T> tables(p, context);
  if (!p.narrow())
    spread_wide(pool, p, tables, dx, context);
  else if (p.window.stride[2] == 1)
    spread_narrow<1>(pool, p, tables, dx, context);
  else
    spread_narrow<0>(pool, p, tables, dx, context);
  context.deallocate(tables.memory);
}

}  // namespace
}  // namespace striate::cpu
