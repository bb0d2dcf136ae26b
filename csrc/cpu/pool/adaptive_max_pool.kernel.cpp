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

template <class T>
void max_pool(const AvgPoolProblem& p, const T* x, T* y, int32_t* narrow, int64_t* wide,
              const Context& context) {
  const Window& w = p.window;
  // Rows whose steps count further than a lane of T can are cut.
  constexpr int64_t kMostColumns = int64_t{1} << 30;
  const int64_t reads = least(w.kernel[0], w.in[0]) * least(w.kernel[1], w.in[1]) *
                            least(w.kernel[2], w.in[2]) * w.out[1] * w.out[2] +
                        1;
  const int64_t layers = p.planes() * w.out[0];
  const int64_t per_chunk = greatest(1, kElementsPerChunk / reads);
  parallel_for(context, ceil_div(layers, per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t end = least((chunk + 1) * per_chunk, layers);
    for (int64_t layer = chunk * per_chunk; layer < end; ++layer) {
      const T* const plane = x + layer / w.out[0] * w.in_size();
      const WindowRange depth = window_range(p, 0, layer % w.out[0]);
      for (int64_t h = 0; h < w.out[1]; ++h) {
        const WindowRange height = window_range(p, 1, h);
        for (int64_t o = 0; o < w.out[2]; ++o) {
          const WindowRange width = window_range(p, 2, o);
          const int64_t start = (depth.begin * w.in[1] + height.begin) * w.in[2] + width.begin;
          Best<T> best = {plane[start], start};
          for (int64_t d = depth.begin; d < depth.end; ++d) {
            for (int64_t row = height.begin; row < height.end; ++row) {
              const int64_t line = (d * w.in[1] + row) * w.in[2];
              for (int64_t i = width.begin; i < width.end; i += kMostColumns) {
                const int64_t columns = least(kMostColumns, width.end - i);
                const Best<T> other = best_of_row(plane + line + i, columns, line + i);
                best.next(other.value, other.index);
              }
            }
          }
          const int64_t at = (layer * w.out[1] + h) * w.out[2] + o;
          y[at] = best.value;
          if (narrow != nullptr) narrow[at] = static_cast<int32_t>(best.index);
          if (wide != nullptr) wide[at] = best.index;
        }
      }
    }
  });
}

}  // namespace

const AdaptiveMaxPoolKernels<float> adaptive_max_pool_f32 = {max_pool<float>};
const AdaptiveMaxPoolKernels<double> adaptive_max_pool_f64 = {max_pool<double>};

}  // namespace striate::cpu::STRIATE_ISA
