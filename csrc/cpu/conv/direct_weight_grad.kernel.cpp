// The weight gradient of depthwise convolutions and of groups of few channels: vectors of dy times
// what each tap sees of the input, both read where they lie (direct_rows.h). A vector of the input
// is loaded once for each column of the kernel and serves all rows of dy that meet it.
#include "cpu/conv/direct.h"
#include "cpu/conv/direct_rows.h"
#include "cpu/simd/interleave.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int64_t kSumElements = 8 * 1024;    // of a chunk: a part of the first cache
inline constexpr int64_t kCopyElements = 16 * 1024;  // of rows that are masked, likewise
// Vectors of dy whose products are added up before they join the total.
inline constexpr int64_t kStepsPerSum = 256;

// Some rows of dy, of one plane.
template <class T>
struct Band {
  DirectView view;
  int64_t first_row, rows;    // vectors of rows; and the first row of the input that they see
  int64_t columns, dy_pitch;  // of each
};

// sum[h] += the products of `rows` rows of dy with one column of taps, or with any taps, below.
template <class T, int taps_h, int step, int rows, Columns columns, class Inside>
STRIATE_INLINE void add_taps(const DirectView& v, const Vec<T> (&gradient)[rows],
                             const TapColumns<T, columns>& seen, const Inside& inside, const T* row,
                             Vec<T> (&sum)[taps_h]) {
#pragma GCC unroll 32
  for (int i = 0; i < (rows - 1) * step + taps_h; ++i, row += v.src_columns) {
    const Vec<T> pixels = seen.load(row, inside.at(i));
#pragma GCC unroll 8
    for (int h = 0; h < taps_h; ++h) {
      const int r = (i - h) / step;
      if (i >= h && (i - h) % step == 0 && r < rows) sum[h] = fma(gradient[r], pixels, sum[h]);
    }
  }
}

template <class T, int rows, Columns columns>
STRIATE_INLINE void add_any_taps(const DirectView& v, const Vec<T> (&gradient)[rows],
                                 const TapColumns<T, columns>& seen, int64_t first_row,
                                 const T* plane, T* sums) {
  for (int64_t h = 0; h < v.taps_h; ++h, sums += Vec<T>::lanes) {
    Vec<T> sum = Vec<T>::load(sums);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const int64_t row = first_row + r * v.step() + h * v.tap_row;
      sum = fma(gradient[r],
                seen.load(plane + row * v.src_columns, rows_inside<T, columns>(v, row)), sum);
    }
    sum.store(sums);
  }
}

// sums[taps_w][taps_h] of vectors += the products of a tile; or sum[][], where there is a square of
// few taps.
template <class T, int taps_h, int step, int rows, Columns columns>
STRIATE_INLINE void add_tile(const Band<T>& t, int64_t first, const T* dy, const T* plane,
                             int64_t column, T* sums, Vec<T> (*square)[taps_h == 0 ? 1 : taps_h]) {
  constexpr int lanes = Vec<T>::lanes, count = taps_h == 0 ? 1 : (rows - 1) * step + taps_h;
  const DirectView& v = t.view;
  const int64_t first_row = t.first_row + first * v.step();
  const RowsInside<T, taps_h, count, columns> inside(v, first_row);
  const int n = static_cast<int>(least(t.columns - column, lanes));
  Vec<T> gradient[rows];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
    gradient[r] = Vec<T>::load(dy + (first + r) * t.dy_pitch + column, n);
  const auto seen = [&](int64_t w) {
    return TapColumns<T, columns>(v, v.first_column + column * v.column_stride + w * v.tap_column,
                                  n);
  };
  const T* row = plane + first_row * v.src_columns;
  if constexpr (taps_h == 0) {
    for (int64_t w = 0; w < v.taps_w; ++w)
      add_any_taps<T, rows>(v, gradient, seen(w), first_row, plane, sums + w * v.taps_h * lanes);
  } else if (square != nullptr) {
#pragma GCC unroll 8
    for (int w = 0; w < taps_h; ++w)
      add_taps<T, taps_h, step>(v, gradient, seen(w), inside, row, square[w]);
  } else {
    for (int64_t w = 0; w < v.taps_w; ++w, sums += taps_h * lanes) {
      Vec<T> sum[taps_h];
#pragma GCC unroll 8
      for (int h = 0; h < taps_h; ++h) sum[h] = Vec<T>::load(sums + h * lanes);
      add_taps<T, taps_h, step>(v, gradient, seen(w), inside, row, sum);
#pragma GCC unroll 8
      for (int h = 0; h < taps_h; ++h) sum[h].store(sums + h * lanes);
    }
  }
}

template <class T, int taps_h, int step, Columns columns, bool square>
STRIATE_INLINE void add_columns(const Band<T>& t, const T* dy, const T* plane, T* sums) {
  constexpr int lanes = Vec<T>::lanes, taps = taps_h == 0 ? 1 : taps_h;
  Vec<T> sum[taps][taps];
  if constexpr (square)
#pragma GCC unroll 64
    for (int i = 0; i < taps * taps; ++i) sum[i / taps][i % taps] = Vec<T>::load(sums + i * lanes);
  const auto in_registers = square ? sum : nullptr;
  for (int64_t column = 0; column < t.columns; column += lanes) {
    int64_t r = 0;
    for (; r + 7 <= t.rows; r += 7)
      add_tile<T, taps_h, step, 7, columns>(t, r, dy, plane, column, sums, in_registers);
    for (; r + 4 <= t.rows && r + 6 != t.rows; r += 4)
      add_tile<T, taps_h, step, 4, columns>(t, r, dy, plane, column, sums, in_registers);
    for (; r + 3 <= t.rows; r += 3)
      add_tile<T, taps_h, step, 3, columns>(t, r, dy, plane, column, sums, in_registers);
    for (; r < t.rows; ++r)
      add_tile<T, taps_h, step, 1, columns>(t, r, dy, plane, column, sums, in_registers);
  }
  if constexpr (square)
#pragma GCC unroll 64
    for (int i = 0; i < taps * taps; ++i) sum[i / taps][i % taps].store(sums + i * lanes);
}

// sums[taps_w][taps_h] of vectors += the products of a band of dy.
template <class T, int taps_h, int step, Columns columns>
void add_products(const Band<T>& band, const T* dy, const T* plane, T* sums) {
  const Band<T> t = band;
  if constexpr (taps_h == 3) {
    if (t.view.taps_w == 3) return add_columns<T, 3, step, columns, true>(t, dy, plane, sums);
  }
  add_columns<T, taps_h, step, columns, false>(t, dy, plane, sums);
}

template <class T>
using BandFunction = void (*)(const Band<T>&, const T*, const T*, T*);

template <class T>
BandFunction<T> choose_function(const TileKind& kind) {
  return with_tile_kind(kind, [](auto taps, auto steps, auto kind_of_columns) -> BandFunction<T> {
    return add_products<T, decltype(taps)::get, decltype(steps)::get,
                        decltype(kind_of_columns)::get>;
  });
}

template <class T>
struct WeightGrad {
  const ImplicitGemm& g;  // of the forward convolution
  const T *dy, *x, *y;
  T* dw;
  DirectView view;
  int64_t units;    // rows of dy, or as many as share a vector
  int64_t block;    // units that are masked together
  int64_t several;  // items, channels of groups, in a chunk
  BandFunction<T> add;

  int64_t dy_size() const { return y == nullptr ? 0 : block * view.together * g.grid[2]; }
  int64_t sums_size() const { return g.rows * g.tap_count() * Vec<T>::lanes; }  // of an item
  size_t scratch() const {
    return static_cast<size_t>(2 * several * sums_size() + dy_size()) * sizeof(T);
  }
};

// Sums join the total and start anew at zero.
template <class T>
void add_up(T* sums, T* totals, int64_t count) {
  for (int64_t i = 0; i < count; i += Vec<T>::lanes) {
    (Vec<T>::load(totals + i) + Vec<T>::load(sums + i)).store(totals + i);
    Vec<T>::zero().store(sums + i);
  }
}

// Adds one sample's part to an item's sums; returns the steps since they last joined the total.
template <class T>
int64_t add_sample(const WeightGrad<T>& c, int64_t sample, int64_t item, int64_t steps, T* sums,
                   T* totals, T* masked) {
  const ImplicitGemm& g = c.g;
  const int64_t group = item / g.channels, together = c.view.together;
  const int64_t plane = g.src[1] * g.src[2];
  const T* x = c.x + (sample * g.groups * g.channels + item) * g.src[0] * plane;
  const int64_t first_dy = (sample * g.groups + group) * g.rows * g.grid_size();
  const int64_t tap_plane = g.taps[1] * g.taps[2] * Vec<T>::lanes;
  const int64_t pitch = g.grid[2] * together;
  Band<T> t{c.view, 0, 0, pitch, pitch};
  for (int64_t depth = 0; depth < g.grid[0]; ++depth) {
    for (int64_t first = 0; first < c.units; first += c.block) {
      const int64_t units = least(c.block, c.units - first), row = first * together;
      for (int64_t o = 0; o < g.rows; ++o) {
        const int64_t start = first_dy + o * g.grid_size() + (depth * g.grid[1] + row) * g.grid[2];
        const T* dy = c.dy + start;
        if (c.y != nullptr) {
          for_each_vector<T>(
              0, least(units * together, g.grid[1] - row) * g.grid[2], [&](int64_t i, int n) {
                formula::relu_grad(Vec<T>::load(dy + i, n), Vec<T>::load(c.y + start + i, n))
                    .store(masked + i, n);
              });
          dy = masked;
        }
        // A vector that has one row of two goes alone.
        const int64_t whole = least(units, (g.grid[1] - row) / together);
        for (int64_t d = 0; d < g.taps[0]; ++d) {
          const int64_t z = depth * g.src_stride[0] + g.tap_offset[0] + d * g.tap_step[0];
          if (z < 0 || z >= g.src[0]) continue;
          T* to = sums + (o * g.taps[0] + d) * tap_plane;
          t.first_row = row * c.view.row_stride + c.view.lowest_row;
          t.rows = whole;
          t.columns = pitch;
          c.add(t, dy, x + z * plane, to);
          if (whole == units) continue;
          t.first_row += whole * c.view.step();
          t.rows = 1;
          t.columns = g.grid[2];
          c.add(t, dy + whole * pitch, x + z * plane, to);
        }
      }
      steps += units * ceil_div(pitch, Vec<T>::lanes);
      if (steps < kStepsPerSum) continue;
      add_up(sums, totals, c.sums_size());
      steps = 0;
    }
  }
  return steps;
}

// dw of an item.
template <class T>
void write(const WeightGrad<T>& c, int64_t item, const T* totals) {
  const ImplicitGemm& g = c.g;
  T* dw = c.dw + item / g.channels * g.w_group + item % g.channels * g.w_channel;
  for (int64_t o = 0; o < g.rows; ++o)
    for (int64_t d = 0; d < g.taps[0]; ++d)
      for (int64_t w = 0; w < g.taps[2]; ++w)
        for (int64_t h = 0; h < g.taps[1]; ++h, totals += Vec<T>::lanes)
          dw[o * g.w_row + (d * g.taps[1] + h) * g.taps[2] + w] = reduce_add(Vec<T>::load(totals));
}

template <class T>
WeightGrad<T> plan_direct(const ImplicitGemm& g, const T* dy, const T* x, const T* y, T* dw) {
  WeightGrad<T> c{g, dy, x, y, dw, direct_view(g, rows_together<T>(g)), 0, 0, 0, {}};
  c.add = choose_function<T>(tile_kind(c.view, g.grid[1]));
  c.units = ceil_div(g.grid[1], c.view.together);
  const int64_t pitch = g.grid[2] * c.view.together;
  // No more than may be added up at once.
  const int64_t most_units =
      least(kCopyElements / pitch, kStepsPerSum / ceil_div(pitch, Vec<T>::lanes));
  c.block = least(c.units, greatest(most_units / kRowTile, 1) * kRowTile);
  // Planes that lie side by side go to one chunk.
  const int64_t products = g.rows * g.tap_count() * g.batch * g.grid_size() + 1;
  const int64_t most = least(g.groups * g.channels / kTasks, kSumElements / c.sums_size());
  c.several = greatest(1, least(ceil_div(kChunkSums, products), most));
  return c;
}

template <class T>
size_t scratch_of(const ImplicitGemm& g) {
  if (g.rows == 0 || g.channels == 0 || g.grid_size() == 0 || g.batch == 0) return 0;
  return plan_direct<T>(g, nullptr, nullptr, nullptr, nullptr).scratch();
}

template <class T>
void weight_grad(const ImplicitGemm& g, const T* dy, const T* x, const T* y, T* dw,
                 const Context& context) {
  if (g.rows == 0 || g.channels == 0) return;
  if (g.grid_size() == 0 || g.batch == 0) {
    __builtin_memset(dw, 0, static_cast<size_t>(g.groups * g.w_group) * sizeof(T));
    return;
  }
  const WeightGrad<T> c = plan_direct(g, dy, x, y, dw);
  const int64_t items = g.groups * g.channels;
  parallel_for(context, ceil_div(items, c.several), c.scratch(), [&](int64_t chunk, void* buffer) {
    const int64_t size = c.sums_size(), first = chunk * c.several;
    const int64_t count = least(c.several, items - first);
    T* sums = static_cast<T*>(buffer);
    T* totals = sums + c.several * size;
    __builtin_memset(sums, 0, static_cast<size_t>(2 * c.several * size) * sizeof(T));
    int64_t steps = 0;
    for (int64_t sample = 0; sample < g.batch; ++sample) {
      const int64_t before = steps;
      for (int64_t i = 0; i < count; ++i)
        steps = add_sample(c, sample, first + i, before, sums + i * size, totals + i * size,
                           totals + c.several * size);
    }
    for (int64_t i = 0; i < count; ++i) {
      add_up(sums + i * size, totals + i * size, size);
      write(c, first + i, totals + i * size);
    }
  });
}

}  // namespace

size_t direct_weight_grad_scratch(const ImplicitGemm& g, bool doubles) {
  return doubles ? scratch_of<double>(g) : scratch_of<float>(g);
}

void direct_weight_grad(const ImplicitGemm& g, const float* dy, const float* x, const float* y,
                        float* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}
void direct_weight_grad(const ImplicitGemm& g, const double* dy, const double* x, const double* y,
                        double* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}

}  // namespace striate::cpu::STRIATE_ISA
