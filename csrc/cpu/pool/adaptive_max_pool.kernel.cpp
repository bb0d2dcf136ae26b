// Max pooling over windows of changing size, and over wide ones: one window at a time, lanes along
// its rows.
#include "core/formula/avg_pool.h"
#include "core/formula/pool.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/pool/blocks.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::window_range;
using formula::WindowRange;

template <class T>
struct Best {
  T value;
  int64_t index;  // in the plane

  // A candidate from further on in the plane.
  STRIATE_INLINE void next(T candidate, int64_t place) {
    if (candidate <= value || value != value) return;
    value = candidate;
    index = place;
  }
  // A candidate from anywhere: of equals, and of several NaN, the first in the plane wins.
  STRIATE_INLINE void offer(T candidate, int64_t place) {
    const bool nan = candidate != candidate, held = value != value;
    const bool equal = candidate == value || (nan && held);
    if (equal ? place > index : held || candidate < value) return;
    value = candidate;
    index = place;
  }
};

// The best of a row's columns, of which there are some; `first` is its first one's place in the
// plane.
template <class T>
STRIATE_INLINE Best<T> best_of_row(const T* row, int64_t columns, int64_t first) {
  constexpr int lanes = Vec<T>::lanes;
  Best<T> best = {row[0], first};
  if (columns < 2 * lanes) {
    for (int64_t i = 1; i < columns; ++i) best.next(row[i], first + i);
    return best;
  }
  Vec<T> value = Vec<T>::load(row);
  Counts<T> step = Counts<T>::set(0);
  for (int64_t i = lanes; i + lanes <= columns; i += lanes) {
    const Vec<T> other = Vec<T>::load(row + i);
    const Mask<T> won = formula::wins(other, value);
    value = select(won, other, value);
    step = select(won, Counts<T>::set(i), step);
  }
  T values[lanes];
  typename Counts<T>::Lane steps[lanes];
  value.store(values);
  step.store(steps, lanes);
  best = {values[0], first + static_cast<int64_t>(steps[0])};
  for (int l = 1; l < lanes; ++l) best.offer(values[l], first + static_cast<int64_t>(steps[l]) + l);
  for (int64_t i = columns / lanes * lanes; i < columns; ++i) best.next(row[i], first + i);
  return best;
}

// Where a kernel writes: values, and indices of one of two widths or none.
template <class T>
struct Results {
  T* y;
  int32_t* narrow;
  int64_t* wide;

  STRIATE_INLINE void set(int64_t at, T value, int64_t index) const {
    y[at] = value;
    if (narrow != nullptr) narrow[at] = static_cast<int32_t>(index);
    if (wide != nullptr) wide[at] = index;
  }
};

// A row of windows' rows in the plane.
struct WindowRows {
  const Window& window;
  WindowRange depth, height;

  STRIATE_INLINE int64_t count() const {
    return (depth.end - depth.begin) * (height.end - height.begin);
  }
  // Where row r starts.
  STRIATE_INLINE int64_t at(int64_t r) const {
    const int64_t rows = height.end - height.begin;
    return ((depth.begin + r / rows) * window.in[1] + height.begin + r % rows) * window.in[2];
  }
};

// One window at a time, lanes along its rows.
template <class T>
STRIATE_INLINE void pool_wide(const AvgPoolProblem& p, const WindowRows& rows, const T* plane,
                              int64_t first_output, const Results<T>& results) {
  // Rows whose steps count further than a lane of T can are cut.
  constexpr int64_t kMostColumns = int64_t{1} << 30;
  for (int64_t o = 0; o < p.window.out[2]; ++o) {
    const WindowRange width = window_range(p, 2, o);
    const int64_t start = rows.at(0) + width.begin;
    Best<T> best = {plane[start], start};
    for (int64_t d = rows.depth.begin; d < rows.depth.end; ++d) {
      for (int64_t h = rows.height.begin; h < rows.height.end; ++h) {
        const int64_t line = (d * p.window.in[1] + h) * p.window.in[2];
        for (int64_t i = width.begin; i < width.end; i += kMostColumns) {
          const int64_t columns = least(kMostColumns, width.end - i);
          const Best<T> other = best_of_row(plane + line + i, columns, line + i);
          best.next(other.value, other.index);
        }
      }
    }
    results.set(first_output + o, best.value, best.index);
  }
}

// All columns' best rows first, lanes along the columns; then the best column of each window.
template <class T>
struct ColumnBests {
  T* values;
  typename Counts<T>::Lane* rows;

  static size_t bytes(int64_t columns) {
    return static_cast<size_t>(columns) * (sizeof(T) + sizeof(typename Counts<T>::Lane));
  }
  STRIATE_INLINE ColumnBests(void* scratch, int64_t columns)
      : values(static_cast<T*>(scratch)),
        rows(reinterpret_cast<typename Counts<T>::Lane*>(values + columns)) {}
};

template <class T>
STRIATE_INLINE void pool_narrow(const AvgPoolProblem& p, const WindowRows& rows, const T* plane,
                                int64_t first_output, const ColumnBests<T>& columns,
                                const Results<T>& results) {
  const int64_t count = rows.count(), width = p.window.in[2];
  const int64_t height = rows.height.end - rows.height.begin;
  for_each_vector<T>(0, width, [&](int64_t i, int n) {
    const T* layer = plane + rows.at(0) + i;
    Vec<T> value = Vec<T>::load(layer, n);
    Counts<T> row = Counts<T>::set(0);
    int64_t r = 0;
    for (int64_t d = rows.depth.begin; d < rows.depth.end; ++d, layer += p.window.in[1] * width) {
      for (int64_t h = 0; h < height; ++h, ++r) {
        const Vec<T> other = Vec<T>::load(layer + h * width, n);
        const Mask<T> won = formula::wins(other, value);
        value = select(won, other, value);
        row = select(won, Counts<T>::set(r), row);
      }
    }
    value.store(columns.values + i, n);
    row.store(columns.rows + i, n);
  });
  for (int64_t o = 0; o < p.window.out[2]; ++o) {
    const WindowRange window = window_range(p, 2, o);
    // Places in the order of the plane: its rows one after another.
    Best<T> best = {columns.values[window.begin],
                    static_cast<int64_t>(columns.rows[window.begin]) * width + window.begin};
    for (int64_t i = window.begin + 1; i < window.end; ++i)
      best.offer(columns.values[i], static_cast<int64_t>(columns.rows[i]) * width + i);
    const int64_t row = count == 1 ? 0 : best.index / width;
    results.set(first_output + o, best.value, rows.at(row) + best.index - row * width);
  }
}

template <class T>
void max_pool(const AvgPoolProblem& p, const T* x, T* y, int32_t* narrow, int64_t* wide,
              const Context& context) {
  const Window& w = p.window;
  const int64_t in_window =
      least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]) * least(w.kernel[2], w.in[2]);
  const int64_t reads = in_window * w.out[1] * w.out[2] + 1;
  const int64_t layers = p.planes() * w.out[0];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / reads);
  const bool by_columns = w.kernel[2] < 2 * Vec<T>::lanes && in_window >= 2 * w.kernel[2] &&
                          in_window < int64_t{1} << 30;
  const size_t scratch_bytes = by_columns ? ColumnBests<T>::bytes(w.in[2]) : 0;
  const Results<T> results = {y, narrow, wide};
  parallel_for(context, ceil_div(layers, per_chunk), scratch_bytes,
               [&](int64_t chunk, void* scratch) {
                 const int64_t end = least((chunk + 1) * per_chunk, layers);
                 for (int64_t layer = chunk * per_chunk; layer < end; ++layer) {
                   const T* const plane = x + layer / w.out[0] * w.in_size();
                   const WindowRange depth = window_range(p, 0, layer % w.out[0]);
                   for (int64_t h = 0; h < w.out[1]; ++h) {
                     const WindowRows rows = {w, depth, window_range(p, 1, h)};
                     const int64_t at = (layer * w.out[1] + h) * w.out[2];
                     if (by_columns)
                       pool_narrow(p, rows, plane, at, ColumnBests<T>(scratch, w.in[2]), results);
                     else
                       pool_wide(p, rows, plane, at, results);
                   }
                 }
               });
}

}  // namespace

const AdaptiveMaxPoolKernels<float> adaptive_max_pool_f32 = {max_pool<float>};
const AdaptiveMaxPoolKernels<double> adaptive_max_pool_f64 = {max_pool<double>};

}  // namespace striate::cpu::STRIATE_ISA
