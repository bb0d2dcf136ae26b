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
        sum = sum +
              Vec<T>::load(rows.first + d * rows.depth_step + h * rows.height_step + column, n);
    sum.store(to + (column - span.begin));
  });
  for (int64_t i = inside.end; i < span.end; i += Vec<T>::lanes)
    Vec<T>::zero().store(to + (i - span.begin));
}

// kStride is the stride, or 0.
template <int kStride, class T>
void forward_narrow(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  const Window& w = p.window;
  const Cut c = cut(p, 1, 1);
  const int64_t stride = kStride > 0 ? kStride : w.stride[2];
  constexpr int64_t kBuffer = kScratch + Vec<T>::lanes;
  parallel_for(context, ceil_div(c.count, c.per_chunk), 2 * kBuffer * sizeof(T),
               [&](int64_t chunk, void* scratch) {
    T* const sums = static_cast<T*>(scratch);
    T* const divisors = sums + kBuffer;
    const int64_t end = least((chunk + 1) * c.per_chunk, c.count);
    for (int64_t i = chunk * c.per_chunk; i < end; ++i) {
      const Block block = block_at(w, c, i);
      const T* const plane = x + block.plane * w.in_size();
      const Range heights = block.heights;
      const int64_t width = block.span.size(), column = block.columns.begin;
      const int64_t depth_count = window_range(p, 0, block.depth).count;
      for (int64_t o = column; o < block.columns.end; ++o)
        divisors[o - column] = static_cast<T>(window_range(p, 2, o).count);
      for (int64_t h = heights.begin; h < heights.end; ++h)
        sum_rows(rows_inside(w, plane, block.depth, h), block.span, w.in[2],
                 sums + (h - heights.begin) * width);
      for (int64_t h = heights.begin; h < heights.end; ++h) {
        const T* const row = sums + (h - heights.begin) * width;
        T* const to = y + block.output(w, h) + column;
        const Vec<T> count = Vec<T>::set(static_cast<T>(depth_count * window_range(p, 1, h).count));
        for_each_vector<T>(0, block.columns.size(), [&](int64_t o, int n) {
          Vec<T> sum = Vec<T>::zero();
          for (int64_t tap = 0; tap < w.kernel[2]; ++tap)
            sum = sum + Vec<T>::load_strided(row + o * stride + tap, stride, n);
          (sum / (count * Vec<T>::load(divisors + o, n))).store(to + o, n);
        });
      }
    }
  });
}

template <class T>
STRIATE_INLINE T window_sum(const Window& w, const T* plane, WindowRange depth, WindowRange height,
                            WindowRange width) {
  constexpr int lanes = Vec<T>::lanes, kSums = 4;  // independent sums hide an addition's latency
  Vec<T> sum[kSums];
  for (Vec<T>& s : sum) s = Vec<T>::zero();
  T few = 0;
  for (int64_t d = depth.begin; d < depth.end; ++d) {
    for (int64_t h = height.begin; h < height.end; ++h) {
      const T* const row = plane + (d * w.in[1] + h) * w.in[2];
      int64_t i = width.begin;
      if (width.end - i <= kNarrow) {
        for (; i < width.end; ++i) few += row[i];
        continue;
      }
      for (; i + kSums * lanes <= width.end; i += kSums * lanes)
#pragma GCC unroll 4
        for (int s = 0; s < kSums; ++s) sum[s] = sum[s] + Vec<T>::load(row + i + s * lanes);
#pragma GCC unroll 4
      for (int s = 0; s < kSums; ++s, i += lanes)
        if (i < width.end)
          sum[s] = sum[s] + Vec<T>::load(row + i, static_cast<int>(least(lanes, width.end - i)));
    }
  }
  return few + reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class T>
void forward_wide(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  const Window& w = p.window;
  const int64_t rows = p.planes() * w.out[0] * w.out[1];
  const int64_t reads = least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]) *
                            least(w.kernel[2], w.in[2]) * w.out[2] +
                        1;
  const int64_t per_chunk = greatest(1, kElementsPerChunk / reads);
  parallel_for(context, ceil_div(rows, per_chunk), 0, [&](int64_t chunk, void*) {
    for (int64_t r = chunk * per_chunk; r < least((chunk + 1) * per_chunk, rows); ++r) {
      const int64_t layer = r / w.out[1];
      const WindowRange depth = window_range(p, 0, layer % w.out[0]);
      const WindowRange height = window_range(p, 1, r % w.out[1]);
      const T* const plane = x + layer / w.out[0] * w.in_size();
      const T count = static_cast<T>(depth.count * height.count);
      for (int64_t o = 0; o < w.out[2]; ++o) {
        const WindowRange width = window_range(p, 2, o);
        y[r * w.out[2] + o] =
            window_sum(w, plane, depth, height, width) / (count * static_cast<T>(width.count));
      }
    }
  });
}

template <class T>
void forward(const AvgPoolProblem& p, const T* x, T* y, const Context& context) {
  if (!is_narrow(p)) return forward_wide(p, x, y, context);
  if (p.window.stride[2] == 1) return forward_narrow<1>(p, x, y, context);
  if (p.window.stride[2] == 2) return forward_narrow<2>(p, x, y, context);
  forward_narrow<0>(p, x, y, context);
}

// A row of the input, and the output rows whose windows hold it.
struct Line {
  int64_t plane;
  OutputRange depths, heights;

  STRIATE_INLINE Line(const AvgPoolProblem& p, int64_t line)
      : plane(line / (p.window.in[0] * p.window.in[1])),
        depths(windows_over(p, 0, line / p.window.in[1] % p.window.in[0])),
        heights(windows_over(p, 1, line % p.window.in[1])) {}

  // Whether the gradient is the same.
  STRIATE_INLINE bool operator==(const Line& other) const {
    return plane == other.plane && depths.begin == other.depths.begin &&
           depths.end == other.depths.end && heights.begin == other.heights.begin &&
           heights.end == other.heights.end;
  }
};

// body(row of dy, its divisor but for the columns' factor) for the output rows of a line.
template <class T, class Body>
STRIATE_INLINE void for_each_row(const AvgPoolProblem& p, const Line& line, const T* dy,
                                 const Body& body) {
  const Window& w = p.window;
  for (int64_t d = line.depths.begin; d < line.depths.end; ++d)
    for (int64_t h = line.heights.begin; h < line.heights.end; ++h)
      body(dy + ((line.plane * w.out[0] + d) * w.out[1] + h) * w.out[2],
           static_cast<T>(window_range(p, 0, d).count * window_range(p, 1, h).count));
}

// write(line, its row of dx) for each row of dx that differs from the one before, which is copied.
template <class T, class Write>
STRIATE_INLINE void write_lines(const AvgPoolProblem& p, int64_t chunk, int64_t per_chunk,
                                int64_t first, int64_t columns, T* dx, const Write& write) {
  const Window& w = p.window;
  const int64_t begin = chunk * per_chunk;
  const int64_t end = least(begin + per_chunk, p.planes() * w.in[0] * w.in[1]);
  Line previous(p, begin);
  for (int64_t l = begin; l < end; ++l) {
    const Line line(p, l);
    T* const to = dx + l * w.in[2] + first;
    if (l > begin && line == previous)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        Vec<T>::load(to - w.in[2] + i, n).store(to + i, n);
      });
    else
      write(line, to);
    previous = line;
  }
}

// The quotients dy / divisor of a line, spread to their windows' last columns with zeros in between:
// each element of dx is then the sum of kernel[2] neighbours.
template <int kStride, class T>
void grad_narrow(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  const Window& w = p.window;
  const int64_t kernel = w.kernel[2], stride = kStride > 0 ? kStride : w.stride[2];
  constexpr int64_t kColumns = 1024, kBuffer = kColumns + kNarrow + 2 * Vec<T>::lanes;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), 3 * kBuffer * sizeof(T),
               [&](int64_t chunk, void* scratch) {
    T* const spread = static_cast<T*>(scratch);
    T* const quotients = kStride == 1 ? spread : spread + kBuffer;
    T* const divisors = spread + 2 * kBuffer;
    for (int64_t first = 0; first < w.in[2]; first += kColumns) {
      const int64_t columns = least(kColumns, w.in[2] - first);
      const int64_t begin = windows_over(p, 2, first).begin;
      const int64_t count = windows_over(p, 2, first + columns - 1).end - begin;
      // Of output `begin` in `spread`, which starts kernel - 1 columns before `first`.
      const int64_t place = begin * stride - w.pad[2] + kernel - 1 - first;
      for (int64_t i = 0; i < columns + kernel - 1; i += Vec<T>::lanes)
        Vec<T>::zero().store(spread + i);
      for (int64_t i = 0; i < count; ++i)
        divisors[i] = static_cast<T>(window_range(p, 2, begin + i).count);
      T* const row_quotients = kStride == 1 ? quotients + place : quotients;
      write_lines(p, chunk, per_chunk, first, columns, dx, [&](const Line& line, T* to) {
        for_each_vector<T>(0, count, [&](int64_t i, int n) {
          Vec<T> sum = Vec<T>::zero();
          for_each_row(p, line, dy, [&](const T* row, T rows) {
            const Vec<T> divisor = Vec<T>::set(rows) * Vec<T>::load(divisors + i, n);
            sum = sum + Vec<T>::load(row + begin + i, n) / divisor;
          });
          sum.store(row_quotients + i, n);
        });
        if (kStride != 1)
          for (int64_t i = 0; i < count; ++i) spread[place + i * stride] = quotients[i];
        for_each_vector<T>(0, columns, [&](int64_t i, int n) {
          Vec<T> sum = Vec<T>::zero();
          for (int64_t tap = 0; tap < kernel; ++tap) sum = sum + Vec<T>::load(spread + i + tap, n);
          sum.store(to + i, n);
        });
      });
    }
  });
}

template <class T>
void grad_wide(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  const Window& w = p.window;
  const int64_t lines = p.planes() * w.in[0] * w.in[1];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / greatest(1, w.in[2]));
  parallel_for(context, ceil_div(lines, per_chunk), 0, [&](int64_t chunk, void*) {
    write_lines(p, chunk, per_chunk, 0, w.in[2], dx, [&](const Line& line, T* to) {
      for_each_vector<T>(0, w.in[2], [&](int64_t i, int n) { Vec<T>::zero().store(to + i, n); });
      for (int64_t o = 0; o < w.out[2]; ++o) {
        const WindowRange width = window_range(p, 2, o);
        T quotient = 0;
        for_each_row(p, line, dy, [&](const T* row, T rows) {
          quotient += row[o] / (rows * static_cast<T>(width.count));
        });
        if (width.end - width.begin <= kNarrow) {
          for (int64_t i = width.begin; i < width.end; ++i) to[i] += quotient;
          continue;
        }
        for_each_vector<T>(width.begin, width.end, [&](int64_t i, int n) {
          (Vec<T>::load(to + i, n) + Vec<T>::set(quotient)).store(to + i, n);
        });
      }
    });
  });
}

template <class T>
void grad(const AvgPoolProblem& p, const T* dy, T* dx, const Context& context) {
  if (!is_narrow(p)) return grad_wide(p, dy, dx, context);
  if (p.window.stride[2] == 1) return grad_narrow<1>(p, dy, dx, context);
  grad_narrow<0>(p, dy, dx, context);
}

}  // namespace

const AvgPoolKernels<float> avg_pool_f32 = {forward<float>, grad<float>};
const AvgPoolKernels<double> avg_pool_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
