// Max pooling. Lanes run along a row of the output. Without indices the rows of the windows are
// reduced first, into scratch rows, and then their columns: k + k maxima instead of k * k. Where
// windows hang over the input's border, scratch holds the padding too. Several output rows share
// one pass each way, so that scratch is not read while it is still being written.
#include "core/formula/pool.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/pool/blocks.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class C>
struct Best {
  Vec<C> value;
  Counts<C> offset;  // in the input's plane, from the window's first element
};

// The maxima over `taps` columns of every row, from `column` on; load(p) reads an element of each
// lane's window.
template <class C, class T, class Load>
STRIATE_INLINE Best<C> best_of(const Rows<T>& rows, int64_t column, int64_t taps, int64_t dilation,
                               const Load& load) {
  Vec<C> best = Vec<C>::set(-__builtin_inf());
  Counts<C> best_offset = Counts<C>::set(0);
  for (int64_t d = 0; d < rows.depth; ++d) {
    for (int64_t h = 0; h < rows.height; ++h) {
      const T* row = rows.first + d * rows.depth_step + h * rows.height_step + column;
      const int64_t offset = d * rows.depth_offset + h * rows.height_offset;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const Vec<C> value = load(row + tap * dilation);
        const Mask<C> won = formula::wins(value, best);
        best = select(won, value, best);
        best_offset = select(won, Counts<C>::set(offset + tap * dilation), best_offset);
      }
    }
  }
  return {best, best_offset};
}

// The same for n output columns whose windows lie inside the rows; kStride is the stride, or 0.
template <int kStride, class T>
STRIATE_INLINE Best<T> best_of_columns(const Window& w, const Rows<T>& rows, int64_t column,
                                       int n) {
  const int64_t stride = kStride > 0 ? kStride : w.stride[2];
  const auto load = [=](const T* p) { return load_columns(p, stride, n); };
  return best_of<T>(rows, column, w.kernel[2], w.dilation[2], load);
}

// Writes value(column, n) for the columns of `span` that lie in [0, width) and -inf for the others;
// a vector more than the span may be written to.
template <class T, class Value>
STRIATE_INLINE void write_row(Range span, int64_t width, T* to, const Value& value) {
  const Range inside = overlap(span, {0, width});
  const Vec<T> nothing = Vec<T>::set(-__builtin_inf());
  for (int64_t i = span.begin; i < inside.begin; i += Vec<T>::lanes)
    nothing.store(to + (i - span.begin));
  for_each_vector<T>(inside.begin, inside.end,
                     [&](int64_t i, int n) { value(i, n).store(to + (i - span.begin)); });
  for (int64_t i = inside.end; i < span.end; i += Vec<T>::lanes)
    nothing.store(to + (i - span.begin));
}

// The maxima of each column of `span` over all rows, as one row.
template <class T>
STRIATE_INLINE void reduce_rows(const Rows<T>& rows, Range span, int64_t width, T* to) {
  write_row(span, width, to, [&](int64_t column, int n) {
    const auto load = [=](const T* p) { return Vec<T>::load(p, n); };
    return best_of<T>(rows, column, 1, 1, load).value;
  });
}

// One output column, whatever its window covers. The index is -1 where that is nothing.
template <class C, class T>
struct BestColumn {
  T value;
  int64_t index;

  STRIATE_INLINE BestColumn(const Window& w, const T* plane, const Rows<T>& rows, int64_t o) {
    const Range taps = taps_inside(w, 2, o);
    const int64_t column = window_origin(w, 2, o) + taps.begin * w.dilation[2];
    // One window in all lanes; C's hold T without rounding.
    const auto load = [](const T* p) { return Vec<C>::set(*p); };
    const Best<C> best = best_of<C>(rows, column, taps.size(), w.dilation[2], load);
    value = static_cast<T>(best.value.raw[0]);
    index = rows.count() == 0 || taps.size() <= 0
                ? -1
                : rows.first - plane + column + static_cast<int64_t>(best.offset.raw[0]);
  }
};

template <int kStride, class T>
void max_values(const PoolProblem& p, const T* x, T* y, const Context& context) {
  const Window& w = p.window;
  for_each_block<T>(p, cut(p, 1, 1), context, [&](const Block& block, T* scratch) {
    const T* const plane = x + block.plane * w.in_size();
    const Range heights = block.heights;
    const int64_t width = block.span.size();
    if (width > kScratch) {  // a giant window: one output
      const Rows<T> rows = rows_inside(w, plane, block.depth, heights.begin);
      const int64_t o = block.columns.begin;
      y[block.output(w, heights.begin) + o] = BestColumn<T, T>(w, plane, rows, o).value;
      return;
    }
    for (int64_t h = heights.begin; h < heights.end; ++h) {
      const Rows<T> rows = rows_inside(w, plane, block.depth, h);
      reduce_rows(rows, block.span, w.in[2], scratch + (h - heights.begin) * width);
    }
    for (int64_t h = heights.begin; h < heights.end; ++h) {
      const Rows<T> row = {scratch + (h - heights.begin) * width, 1, 1, 0, 0, 0, 0};
      T* const to = y + block.output(w, h);
      for_each_vector<T>(block.columns.begin, block.columns.end, [&](int64_t o, int n) {
        const int64_t column = window_origin(w, 2, o) - block.span.begin;
        best_of_columns<kStride>(w, row, column, n).value.store(to + o, n);
      });
    }
  });
}

// A copy of the input under a block with its padding to the left and the right.
template <class T>
struct Padded {
  const T* first;  // the first row's, at the span's first column
  int64_t height;  // that row's place in the input
  int64_t row_step, layer_step;

  // The rows under all output rows of the block; false where they do not fit.
  STRIATE_INLINE bool copy(const Window& w, const T* plane, const Block& block, T* to) {
    const Range depths = taps_inside(w, 0, block.depth);
    const Range heights =
        overlap({window_origin(w, 1, block.heights.begin),
                 window_origin(w, 1, block.heights.end - 1) + window_extent(w, 1)},
                {0, w.in[1]});
    row_step = block.span.size();
    if (depths.size() <= 0 || heights.size() == 0) return false;
    if (row_step > kScratch / heights.size() / depths.size()) return false;
    first = to;
    height = heights.begin;
    layer_step = heights.size() * row_step;
    for (int64_t d = depths.begin; d < depths.end; ++d) {
      const int64_t depth = window_origin(w, 0, block.depth) + d * w.dilation[0];
      for (int64_t h = heights.begin; h < heights.end; ++h, to += row_step) {
        const T* from = plane + (depth * w.in[1] + h) * w.in[2];
        write_row(block.span, w.in[2], to,
                  [=](int64_t column, int n) { return Vec<T>::load(from + column, n); });
      }
    }
    return true;
  }

  // Where `rows` of the input have their copies.
  STRIATE_INLINE Rows<T> rows(const Window& w, Rows<T> rows, int64_t output_height) const {
    const int64_t h =
        window_origin(w, 1, output_height) + taps_inside(w, 1, output_height).begin * w.dilation[1];
    rows.first = first + (h - height) * row_step;
    rows.depth_step = layer_step;
    rows.height_step = rows.height > 1 ? w.dilation[1] * row_step : 0;
    return rows;
  }
};

template <int kStride, class T>
void max_indices32(const PoolProblem& p, const T* x, T* y, int32_t* indices,
                   const Context& context) {
  const Window& w = p.window;
  const Counts<T> lane_steps = Counts<T>::steps(w.stride[2]);
  // The input rows under one output row, and those that one more adds.
  const int64_t layers = least(w.kernel[0], w.in[0]);
  const Cut c =
      cut(p, layers * least(window_extent(w, 1), w.in[1]), layers * least(w.stride[1], kScratch));
  for_each_block<T>(p, c, context, [&](const Block& block, T* scratch) {
    const T* const plane = x + block.plane * w.in_size();
    Padded<T> padded{};
    const bool copied = !block.inside && padded.copy(w, plane, block, scratch);
    for (int64_t h = block.heights.begin; h < block.heights.end; ++h) {
      T* const to = y + block.output(w, h);
      int32_t* const to_index = indices + block.output(w, h);
      const Rows<T> rows = rows_inside(w, plane, block.depth, h);
      const auto one_by_one = [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) {
          const BestColumn<T, T> best(w, plane, rows, o);
          to[o] = best.value;
          to_index[o] = static_cast<int32_t>(best.index);
        }
      };
      if (rows.count() == 0 || (!block.inside && !copied)) {
        one_by_one(block.columns.begin, block.columns.end);
        continue;
      }
      const Rows<T> source = copied ? padded.rows(w, rows, h) : rows;
      const int64_t shift = copied ? block.span.begin : 0;
      for_each_vector<T>(block.columns.begin, block.columns.end, [&](int64_t o, int n) {
        const int64_t column = window_origin(w, 2, o);
        const Best<T> best = best_of_columns<kStride>(w, source, column - shift, n);
        // Of a window with nothing above -inf, the first element may be in the padding.
        if (copied && any(best.value == Vec<T>::set(-__builtin_inf()))) {
          one_by_one(o, o + n);
          return;
        }
        best.value.store(to + o, n);
        (best.offset + lane_steps + Counts<T>::set(rows.first - plane + column))
            .store(to_index + o, n);
      });
    }
  });
}

template <class T>
void max_pool(const PoolProblem& p, const T* x, T* y, const Context& context) {
  if (p.window.out_size() == 0) return;
  switch (p.window.stride[2]) {
    case 1:
      return max_values<1>(p, x, y, context);
    case 2:
      return max_values<2>(p, x, y, context);
    default:
      return max_values<0>(p, x, y, context);
  }
}

template <class T>
void max_pool_indices32(const PoolProblem& p, const T* x, T* y, int32_t* indices,
                        const Context& context) {
  if (p.window.out_size() == 0) return;
  switch (p.window.stride[2]) {
    case 1:
      return max_indices32<1>(p, x, y, indices, context);
    case 2:
      return max_indices32<2>(p, x, y, indices, context);
    default:
      return max_indices32<0>(p, x, y, indices, context);
  }
}

// For planes of 2^31 elements and more: right, not fast. Offsets need the lanes of double.
template <class T>
void max_pool_indices64(const PoolProblem& p, const T* x, T* y, int64_t* indices,
                        const Context& context) {
  const Window& w = p.window;
  if (w.out_size() == 0) return;
  for_each_block<T>(p, cut(p, 1, 1), context, [&](const Block& block, T*) {
    const T* const plane = x + block.plane * w.in_size();
    for (int64_t h = block.heights.begin; h < block.heights.end; ++h) {
      const Rows<T> rows = rows_inside(w, plane, block.depth, h);
      const int64_t row = block.output(w, h);
      for (int64_t o = block.columns.begin; o < block.columns.end; ++o) {
        const BestColumn<double, T> best(w, plane, rows, o);
        y[row + o] = best.value;
        indices[row + o] = best.index;
      }
    }
  });
}

// The place of the first index outside the plane, or -1. A chunk is a number of whole planes, so
// each element of dx is summed in the order of dy.
template <class T, class Index>
int64_t max_pool_grad(const PoolGradProblem& p, const T* dy, const Index* indices, T* dx,
                      const Context& context) {
  const int64_t plane_size = p.in_size + p.out_size;
  if (plane_size == 0) return -1;
  const int64_t planes_per_chunk = greatest(1, kElementsPerChunk / plane_size);
  int64_t first_bad = INT64_MAX;
  parallel_for(context, ceil_div(p.planes, planes_per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t begin = chunk * planes_per_chunk;
    const int64_t end = least(begin + planes_per_chunk, p.planes);
    int64_t bad = INT64_MAX;
    for (int64_t plane = begin; plane < end; ++plane) {
      T* to = dx + plane * p.in_size;
      __builtin_memset(to, 0, static_cast<size_t>(p.in_size) * sizeof(T));
      for (int64_t i = plane * p.out_size; i < (plane + 1) * p.out_size; ++i) {
        const int64_t index = indices[i];
        if (static_cast<uint64_t>(index) < static_cast<uint64_t>(p.in_size))
          to[index] += dy[i];
        else if (index != -1)
          bad = least(bad, i);
      }
    }
    int64_t seen = __atomic_load_n(&first_bad, __ATOMIC_RELAXED);
    while (bad < seen && !__atomic_compare_exchange_n(&first_bad, &seen, bad, true,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  });
  return first_bad == INT64_MAX ? -1 : first_bad;
}

}  // namespace

const PoolKernels<float> pool_f32 = {
    max_pool<float>,
    max_pool_indices32<float>,
    max_pool_indices64<float>,
    max_pool_grad<float, int32_t>,
    max_pool_grad<float, int64_t>,
};
const PoolKernels<double> pool_f64 = {
    max_pool<double>,
    max_pool_indices32<double>,
    max_pool_indices64<double>,
    max_pool_grad<double, int32_t>,
    max_pool_grad<double, int64_t>,
};

}  // namespace striate::cpu::STRIATE_ISA
