// Average pooling. Small windows of one size: lanes run along a row of the output, and the rows of
// the windows are added up first, into scratch rows with the padding's zeros, and then their
// columns. Wide windows, and those of changing size: one window at a time, lanes along its rows.
#include "core/formula/avg_pool.h"

#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/pool/blocks.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::OutputRange;
using formula::window_range;
using formula::WindowRange;
using formula::windows_over;

// The widest window that counts as small.
constexpr int64_t kNarrow = 8;

STRIATE_INLINE bool is_narrow(const AvgPoolProblem& p) {
  return !p.adaptive && p.window.kernel[2] <= kNarrow;
}

// What the problem says of every output, and of every row of the input, once for all chunks.
template <class T>
struct Tables {
  WindowRange* windows[kSpatial];
  T* column_counts;      // of the last axis
  OutputRange* rows[2];  // the outputs over the input's layers and rows
  void* memory;

  Tables(const AvgPoolProblem& p, const Context& context) {
    const Window& w = p.window;
    const int64_t outputs = w.out[0] + w.out[1] + w.out[2], inputs = w.in[0] + w.in[1];
    memory = context.allocate(static_cast<size_t>(outputs) * sizeof(WindowRange) +
                              static_cast<size_t>(inputs) * sizeof(OutputRange) +
                              static_cast<size_t>(w.out[2]) * sizeof(T));
    auto* next_window = static_cast<WindowRange*>(memory);
    for (int axis = 0; axis < kSpatial; ++axis) {
      windows[axis] = next_window;
      for (int64_t o = 0; o < w.out[axis]; ++o) *next_window++ = window_range(p, axis, o);
    }
    auto* next_row = reinterpret_cast<OutputRange*>(next_window);
    for (int axis = 0; axis < 2; ++axis) {
      rows[axis] = next_row;
      for (int64_t i = 0; i < w.in[axis]; ++i) *next_row++ = windows_over(p, axis, i);
    }
    column_counts = reinterpret_cast<T*>(next_row);
    for (int64_t o = 0; o < w.out[2]; ++o) column_counts[o] = static_cast<T>(windows[2][o].count);
  }
};

// The sum of each column of `span` over all rows, 0 for columns outside [0, width); a vector more
// than the span may be written to.
template <class T>
STRIATE_INLINE void sum_rows(const Rows<T>& rows, Range span, int64_t width, T* to) {
  const Range inside = overlap(span, {0, width});
  for (int64_t i = span.begin; i < inside.begin; i += Vec<T>::lanes)
    Vec<T>::zero().store(to + (i - span.begin));
  for_each_vector<T>(inside.begin, inside.end, [&](int64_t column, int n) {
    Vec<T> sum = Vec<T>::zero();
    for (int64_t d = 0; d < rows.depth; ++d)
      for (int64_t h = 0; h < rows.height; ++h)
        sum =
            sum + Vec<T>::load(rows.first + d * rows.depth_step + h * rows.height_step + column, n);
    sum.store(to + (column - span.begin));
  });
  for (int64_t i = inside.end; i < span.end; i += Vec<T>::lanes)
    Vec<T>::zero().store(to + (i - span.begin));
}

// kStride is the stride, or 0.
template <int kStride, class T>
void forward_narrow(const AvgPoolProblem& p, const Tables<T>& tables, const T* x, T* y,
                    const Context& context) {
  const Window& w = p.window;
  const int64_t stride = kStride > 0 ? kStride : w.stride[2];
  for_each_block<T>(p, cut(p, 1, 1), context, [&](const Block& block, T* sums) {
    const T* const plane = x + block.plane * w.in_size();
    const Range heights = block.heights;
    const int64_t width = block.span.size(), column = block.columns.begin;
    for (int64_t h = heights.begin; h < heights.end; ++h)
      sum_rows(rows_inside(w, plane, block.depth, h), block.span, w.in[2],
               sums + (h - heights.begin) * width);
    for (int64_t h = heights.begin; h < heights.end; ++h) {
      const T* const row = sums + (h - heights.begin) * width;
      T* const to = y + block.output(w, h) + column;
      const int64_t count = tables.windows[0][block.depth].count * tables.windows[1][h].count;
      const Vec<T> rows = Vec<T>::set(static_cast<T>(count));
      for_each_vector<T>(0, block.columns.size(), [&](int64_t o, int n) {
        Vec<T> sum = Vec<T>::zero();
        for (int64_t tap = 0; tap < w.kernel[2]; ++tap)
          sum = sum + Vec<T>::load_strided(row + o * stride + tap, stride, n);
        (sum / (rows * Vec<T>::load(tables.column_counts + column + o, n))).store(to + o, n);
      });
    }
  });
}

template <class T>
STRIATE_INLINE T window_sum(const Window& w, const T* plane, WindowRange depth, WindowRange height,
                            WindowRange width) {
  constexpr int lanes = Vec<T>::lanes, kSums = 4;  // independent sums hide an addition's latency
  if (width.end - width.begin <= kNarrow) {
    T sum = 0;
    for (int64_t d = depth.begin; d < depth.end; ++d)
      for (int64_t h = height.begin; h < height.end; ++h)
        for (int64_t i = width.begin; i < width.end; ++i)
          sum += plane[(d * w.in[1] + h) * w.in[2] + i];
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
        for (int s = 0; s < kSums; ++s) sum[s] = sum[s] + Vec<T>::load(row + i + s * lanes);
#pragma GCC unroll 4
      for (int s = 0; s < kSums; ++s, i += lanes)
        if (i < width.end)
          sum[s] = sum[s] + Vec<T>::load(row + i, static_cast<int>(least(lanes, width.end - i)));
    }
  }
  return reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class T>
void forward_wide(const AvgPoolProblem& p, const Tables<T>& tables, const T* x, T* y,
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
          to[o] = window_sum(w, plane, depth, height, tables.windows[2][o]) /
                  (rows * tables.column_counts[o]);
      }
    }
  });
}

template <class T>
void forward(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  const Tables<T> tables(p, context);
  if (!is_narrow(p))
    forward_wide(p, tables, x, y, context);
  else if (p.window.stride[2] == 1)
    forward_narrow<1>(p, tables, x, y, context);
  else if (p.window.stride[2] == 2)
    forward_narrow<2>(p, tables, x, y, context);
  else
    forward_narrow<0>(p, tables, x, y, context);
  context.deallocate(tables.memory);
}

// A row of the input, and the output rows whose windows hold it.
struct Line {
  int64_t plane;
  OutputRange depths, heights;

  // Whether the gradient is the same.
  STRIATE_INLINE bool operator==(const Line& other) const {
    return plane == other.plane && depths.begin == other.depths.begin &&
           depths.end == other.depths.end && heights.begin == other.heights.begin &&
           heights.end == other.heights.end;
  }
};

// write(line, its row of dx) for each row of dx that differs from the one before, which is copied.
template <class T, class Write>
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
    if (line == previous)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        Vec<T>::load(to - w.in[2] + i, n).store(to + i, n);
      });
    else
      write(line, to);
    previous = line;
    if (++row == w.in[1]) row = 0, ++layer;
  }
}

// The sums of dy / divisor over a line's output rows, for `count` columns from `first` on. Rows of
// one divisor are added up before it divides them.
template <class T>
STRIATE_INLINE void write_quotients(const AvgPoolProblem& p, const Tables<T>& tables,
                                    const Line& line, const T* dy, int64_t first, int64_t count,
                                    T* to) {
  const Window& w = p.window;
  const T* const plane = dy + line.plane * w.out_size() + first;
  for_each_vector<T>(0, count, [&](int64_t i, int n) {
    Vec<T> quotients = Vec<T>::zero(), sum = Vec<T>::zero();
    const Vec<T> columns = Vec<T>::load(tables.column_counts + first + i, n);
    int64_t divisor = 1;
    const auto divide = [&] {
      quotients = quotients + sum / (Vec<T>::set(static_cast<T>(divisor)) * columns);
    };
    for (int64_t d = line.depths.begin; d < line.depths.end; ++d) {
      for (int64_t h = line.heights.begin; h < line.heights.end; ++h) {
        const int64_t rows = tables.windows[0][d].count * tables.windows[1][h].count;
        const bool joins = rows == divisor;
        if (!joins) divide();
        const Vec<T> row = Vec<T>::load(plane + (d * w.out[1] + h) * w.out[2] + i, n);
        sum = joins ? sum + row : row;
        divisor = rows;
      }
    }
    divide();
    quotients.store(to + i, n);
  });
}

// Columns of dx, or of dy, that are done together.
constexpr int64_t kColumns = 1024;

// The quotients of a line, spread to their windows' last columns with zeros in between: each
// element of dx is then the sum of kernel[2] neighbours.
template <int kStride, class T>
void grad_narrow(const AvgPoolProblem& p, const Tables<T>& tables, const T* dy, T* dx,
                 const Context& context) {
  const Window& w = p.window;
  const int64_t kernel = w.kernel[2], stride = kStride > 0 ? kStride : w.stride[2];
  constexpr int64_t kBuffer = kColumns + kNarrow + 2 * Vec<T>::lanes;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), 2 * kBuffer * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 T* const spread = static_cast<T*>(scratch);
                 T* const quotients = spread + kBuffer;
                 const int64_t begin = chunk * per_chunk, end = least(begin + per_chunk, lines);
                 for (int64_t first = 0; first < w.in[2]; first += kColumns) {
                   const int64_t columns = least(kColumns, w.in[2] - first);
                   const int64_t output = windows_over(p, 2, first).begin;
                   const int64_t count = windows_over(p, 2, first + columns - 1).end - output;
                   // Of `output` in `spread`, which starts kernel - 1 columns before `first`.
                   const int64_t place = output * stride - w.pad[2] + kernel - 1 - first;
                   for (int64_t i = 0; i < columns + kernel - 1; i += Vec<T>::lanes)
                     Vec<T>::zero().store(spread + i);
                   write_lines(p, tables, begin, end, first, columns, dx,
                               [&](const Line& line, T* to) {
                                 write_quotients(p, tables, line, dy, output, count,
                                                 kStride == 1 ? spread + place : quotients);
                                 if (kStride != 1)
                                   for (int64_t i = 0; i < count; ++i)
                                     spread[place + i * stride] = quotients[i];
                                 for_each_vector<T>(0, columns, [&](int64_t i, int n) {
                                   Vec<T> sum = Vec<T>::zero();
                                   for (int64_t tap = 0; tap < kernel; ++tap)
                                     sum = sum + Vec<T>::load(spread + i + tap, n);
                                   sum.store(to + i, n);
                                 });
                               });
                 }
               });
}

template <class T>
void grad_wide(const AvgPoolProblem& p, const Tables<T>& tables, const T* dy, T* dx,
               const Context& context) {
  const Window& w = p.window;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), kColumns * sizeof(T),
               [&](int64_t chunk, void* scratch) {
                 T* const quotients = static_cast<T*>(scratch);
                 const int64_t begin = chunk * per_chunk, end = least(begin + per_chunk, lines);
                 write_lines(p, tables, begin, end, 0, w.in[2], dx, [&](const Line& line, T* to) {
                   for_each_vector<T>(0, w.in[2],
                                      [&](int64_t i, int n) { Vec<T>::zero().store(to + i, n); });
                   for (int64_t first = 0; first < w.out[2]; first += kColumns) {
                     const int64_t count = least(kColumns, w.out[2] - first);
                     write_quotients(p, tables, line, dy, first, count, quotients);
                     for (int64_t o = 0; o < count; ++o) {
                       const WindowRange window = tables.windows[2][first + o];
                       if (window.end - window.begin <= kNarrow) {
                         for (int64_t i = window.begin; i < window.end; ++i) to[i] += quotients[o];
                         continue;
                       }
                       const Vec<T> quotient = Vec<T>::set(quotients[o]);
                       for_each_vector<T>(window.begin, window.end, [&](int64_t i, int n) {
                         (Vec<T>::load(to + i, n) + quotient).store(to + i, n);
                       });
                     }
                   }
                 });
               });
}

template <class T>
void grad(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  const Tables<T> tables(p, context);
  if (!is_narrow(p))
    grad_wide(p, tables, dy, dx, context);
  else if (p.window.stride[2] == 1)
    grad_narrow<1>(p, tables, dy, dx, context);
  else
    grad_narrow<0>(p, tables, dy, dx, context);
  context.deallocate(tables.memory);
}

}  // namespace

const AvgPoolKernels<float> avg_pool_f32 = {forward<float>, grad<float>};
const AvgPoolKernels<double> avg_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
