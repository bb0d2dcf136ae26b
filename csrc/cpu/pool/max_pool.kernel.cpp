// Max pooling. Lanes run along a row of the output; columns whose window hangs over the input's
// border go one by one through the same code. Without indices the window's rows are reduced first,
// into a scratch row, and then its columns: k + k maxima instead of k * k.
#include "core/formula/pool.h"
#include "core/spec/pool.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Elements of the scratch row, unless one window alone is wider.
constexpr int64_t kSpan = 4096;
// Elements that a chunk reads: some tens of microseconds of work.
constexpr int64_t kReadsPerChunk = 131072;

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// From the first to the last input element that a window covers along `axis`.
STRIATE_INLINE int64_t extent(const Window& w, int axis) {
  return (w.kernel[axis] - 1) * w.dilation[axis] + 1;
}

// Where the window of output `o` starts; negative in the padding.
STRIATE_INLINE int64_t origin(const Window& w, int axis, int64_t o) {
  return o * w.stride[axis] - w.pad[axis];
}

// The window elements that lie inside the input for output `o`; not above zero in size for none.
STRIATE_INLINE Range taps_inside(const Window& w, int axis, int64_t o) {
  const int64_t start = origin(w, axis, o);
  const int64_t room = w.in[axis] - 1 - start;
  const int64_t dilation = w.dilation[axis];
  Range taps = {0, w.kernel[axis]};
  if (start < 0) taps.begin = ceil_div(-start, dilation);
  if (room < extent(w, axis) - 1) taps.end = room < 0 ? 0 : room / dilation + 1;
  return taps;
}

// The output columns whose windows lie inside the input as a whole.
Range inner_columns(const Window& w) {
  const int64_t begin = least(w.out[2], ceil_div(w.pad[2], w.stride[2]));
  const int64_t room = w.in[2] + w.pad[2] - extent(w, 2);
  const int64_t end = room < 0 ? 0 : least(w.out[2], room / w.stride[2] + 1);
  return {begin, greatest(begin, end)};
}

// The rows that the windows of one output row share: those inside the input.
template <class T>
struct Rows {
  const T* first;  // its element in column 0
  int64_t depth, height;
  int64_t depth_step, height_step;

  int64_t count() const { return depth * height; }
};

// `plane` is the input's, and the output row is at (depth, height).
template <class T>
STRIATE_INLINE Rows<T> rows_inside(const Window& w, const T* plane, int64_t depth, int64_t height) {
  const Range d = taps_inside(w, 0, depth);
  const Range h = taps_inside(w, 1, height);
  if (d.size() <= 0 || h.size() <= 0) return {plane, 0, 0, 0, 0};
  const int64_t row = w.in[2];
  const int64_t layer = w.in[1] * row;
  const int64_t first = (origin(w, 0, depth) + d.begin * w.dilation[0]) * layer +
                        (origin(w, 1, height) + h.begin * w.dilation[1]) * row;
  return {plane + first, d.size(), h.size(), d.size() > 1 ? w.dilation[0] * layer : 0,
          h.size() > 1 ? w.dilation[1] * row : 0};
}

template <class C>
struct Best {
  Vec<C> value;
  Counts<C> offset;  // from the window's first element inside the input
};

// The maxima over `taps` columns of every row, from `column` on; load(p) reads an element of each
// lane's window as C, which holds T without rounding.
template <class C, class T, class Load>
STRIATE_INLINE Best<C> best_of(const Rows<T>& rows, int64_t column, int64_t taps, int64_t dilation,
                               const Load& load) {
  Best<C> best = {Vec<C>::set(-__builtin_inf()), Counts<C>::set(0)};
  for (int64_t d = 0; d < rows.depth; ++d) {
    for (int64_t h = 0; h < rows.height; ++h) {
      const int64_t row = d * rows.depth_step + h * rows.height_step;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t offset = row + tap * dilation;
        const Vec<C> value = load(rows.first + column + offset);
        const Mask<C> won = formula::wins(value, best.value);
        best.value = select(won, value, best.value);
        best.offset = select(won, Counts<C>::set(offset), best.offset);
      }
    }
  }
  return best;
}

// Calls emit(best, output column, input column, lanes) for the columns of an output row, where
// input column `shift` lies at rows.first[0]; kStride is the stride, or 0 for any.
template <int kStride, class C, class T, class Emit>
STRIATE_INLINE void for_each_best(const Window& w, Range columns, Range inner, const Rows<T>& rows,
                                  int64_t shift, const Emit& emit) {
  const int64_t dilation = w.dilation[2];
  const auto one_by_one = [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const Range taps = taps_inside(w, 2, o);
      const int64_t column = origin(w, 2, o) + taps.begin * dilation;
      const auto load = [](const T* p) { return Vec<C>::set(*p); };
      emit(best_of<C>(rows, column - shift, taps.size(), dilation, load), o,
           taps.size() > 0 ? column : -1, 1);
    }
  };
  if constexpr (sizeof(C) != sizeof(T)) {
    one_by_one(columns.begin, columns.end);
  } else {
    const Range vectors = {least(greatest(columns.begin, inner.begin), columns.end),
                           greatest(least(columns.end, inner.end), columns.begin)};
    one_by_one(columns.begin, vectors.begin);
    for_each_vector<T>(vectors.begin, vectors.end, [&](int64_t o, int n) {
      const int64_t stride = kStride > 0 ? kStride : w.stride[2];
      const auto load = [=](const T* p) { return Vec<T>::load_strided(p, stride, n); };
      const int64_t column = origin(w, 2, o);
      emit(best_of<C>(rows, column - shift, w.kernel[2], dilation, load), o, column, n);
    });
    one_by_one(greatest(vectors.begin, vectors.end), columns.end);
  }
}

// How the output is cut: its rows into blocks of columns, and those into chunks.
struct Blocks {
  int64_t columns;  // of a block
  int64_t span;     // input columns under a block
  int64_t per_row, count, per_chunk;
};

Blocks cut(const PoolProblem& p) {
  const Window& w = p.window;
  const int64_t wide = extent(w, 2);
  Blocks b;
  b.columns = least(w.out[2], wide < kSpan ? (kSpan - wide) / w.stride[2] + 1 : 1);
  b.span = least(w.in[2], (b.columns - 1) * w.stride[2] + wide);
  b.per_row = ceil_div(w.out[2], b.columns);
  b.count = p.planes() * w.out[0] * w.out[1] * b.per_row;
  const int64_t rows = least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]);
  const int64_t reads = rows * b.span + b.columns * least(w.kernel[2], w.in[2]);
  b.per_chunk = greatest(1, kReadsPerChunk / greatest(1, reads));
  return b;
}

// body(plane, depth, height, columns, scratch) for every block of columns of the output.
template <class Body>
STRIATE_INLINE void for_each_block(const PoolProblem& p, size_t scratch_bytes_per_column,
                                   const Context& context, const Body& body) {
  const Window& w = p.window;
  if (w.out_size() == 0) return;
  const Blocks b = cut(p);
  const size_t scratch_bytes = scratch_bytes_per_column * (b.span + kVectorBytes);
  parallel_for(context, ceil_div(b.count, b.per_chunk), scratch_bytes,
               [&](int64_t chunk, void* scratch) {
                 const int64_t begin = chunk * b.per_chunk;
                 const int64_t end = least(begin + b.per_chunk, b.count);
                 int64_t block = begin % b.per_row, rest = begin / b.per_row;
                 int64_t height = rest % w.out[1];
                 rest /= w.out[1];
                 int64_t depth = rest % w.out[0], plane = rest / w.out[0];
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t first = block * b.columns;
                   body(plane, depth, height, Range{first, least(first + b.columns, w.out[2])},
                        scratch);
                   if (++block < b.per_row) continue;
                   block = 0;
                   if (++height < w.out[1]) continue;
                   height = 0;
                   if (++depth < w.out[0]) continue;
                   depth = 0;
                   ++plane;
                 }
               });
}

STRIATE_INLINE int64_t output_row(const Window& w, int64_t plane, int64_t depth, int64_t height) {
  return ((plane * w.out[0] + depth) * w.out[1] + height) * w.out[2];
}

// The columns [span.begin, span.end) of all rows as one row, in `to`.
template <class T>
STRIATE_INLINE Rows<T> reduce_rows(const Rows<T>& rows, Range span, T* to) {
  for_each_vector<T>(span.begin, span.end, [&](int64_t column, int n) {
    const auto load = [=](const T* p) { return Vec<T>::load(p, n); };
    best_of<T>(rows, column, 1, 1, load).value.store(to + (column - span.begin));
  });
  return {to, 1, 1, 0, 0};
}

template <int kStride, class T>
void max_values(const PoolProblem& p, const T* x, T* y, const Context& context) {
  const Window& w = p.window;
  const Range inner = inner_columns(w);
  for_each_block(
      p, sizeof(T), context,
      [&](int64_t plane, int64_t depth, int64_t height, Range columns, void* scratch) {
        Rows<T> rows = rows_inside(w, x + plane * w.in_size(), depth, height);
        int64_t shift = 0;
        if (rows.count() > 1) {
          shift = greatest(0, origin(w, 2, columns.begin));
          const int64_t end = origin(w, 2, columns.end - 1) + extent(w, 2);
          rows = reduce_rows(rows, Range{shift, least(w.in[2], end)}, static_cast<T*>(scratch));
        }
        T* to = y + output_row(w, plane, depth, height);
        for_each_best<kStride, T>(w, columns, inner, rows, shift,
                                  [&](const Best<T>& best, int64_t o, int64_t, int n) {
                                    best.value.store(to + o, n);
                                  });
      });
}

// The type whose lanes count offsets in a plane, and hold T without rounding.
template <class T, class Index>
struct Counting {
  using type = T;
};
template <>
struct Counting<float, int64_t> {
  using type = double;
};

template <int kStride, class T, class Index>
void max_indices(const PoolProblem& p, const T* x, T* y, Index* indices, const Context& context) {
  using C = typename Counting<T, Index>::type;
  const Window& w = p.window;
  const Range inner = inner_columns(w);
  const Counts<C> lane_steps = Counts<C>::steps(w.stride[2]);
  for_each_block(
      p, 0, context, [&](int64_t plane, int64_t depth, int64_t height, Range columns, void*) {
        const T* from = x + plane * w.in_size();
        const Rows<T> rows = rows_inside(w, from, depth, height);
        const int64_t first = rows.first - from;
        const int64_t row = output_row(w, plane, depth, height);
        for_each_best<kStride, C>(
            w, columns, inner, rows, 0, [&](const Best<C>& best, int64_t o, int64_t column, int n) {
              if constexpr (sizeof(C) == sizeof(T))
                best.value.store(y + row + o, n);
              else
                y[row + o] = static_cast<T>(best.value.raw[0]);
              if (rows.count() > 0 && column >= 0)
                (best.offset + lane_steps + Counts<C>::set(first + column))
                    .store(indices + row + o, n);
              else
                for (int i = 0; i < n; ++i) indices[row + o + i] = -1;
            });
      });
}

template <class T>
void max_pool(const PoolProblem& p, const T* x, T* y, const Context& context) {
  switch (p.window.stride[2]) {
    case 1:
      return max_values<1>(p, x, y, context);
    case 2:
      return max_values<2>(p, x, y, context);
    default:
      return max_values<0>(p, x, y, context);
  }
}

template <class T, class Index>
void max_pool_indices(const PoolProblem& p, const T* x, T* y, Index* indices,
                      const Context& context) {
  switch (p.window.stride[2]) {
    case 1:
      return max_indices<1>(p, x, y, indices, context);
    case 2:
      return max_indices<2>(p, x, y, indices, context);
    default:
      return max_indices<0>(p, x, y, indices, context);
  }
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
    max_pool_indices<float, int32_t>,
    max_pool_indices<float, int64_t>,
    max_pool_grad<float, int32_t>,
    max_pool_grad<float, int64_t>,
};
const PoolKernels<double> pool_f64 = {
    max_pool<double>,
    max_pool_indices<double, int32_t>,
    max_pool_indices<double, int64_t>,
    max_pool_grad<double, int32_t>,
    max_pool_grad<double, int64_t>,
};

}  // namespace striate::cpu::STRIATE_ISA
