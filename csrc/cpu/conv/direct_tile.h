// The inner loops of direct convolution: several rows of the result, one vector of pixels wide, in
// registers. A vector of the source is loaded once for each column of the kernel and serves all the
// rows of the result that see it.
#pragma once

#include "cpu/conv/ahead.h"
#include "cpu/conv/direct_rows.h"

namespace striate::cpu {
namespace {

// Channels of the result in registers together.
inline constexpr int kChannelTile = kVectorBytes == 64 ? 4 : 2;

// Some rows of the result, of one channel or kChannelTile of them.
template <class T>
struct DirectBand {
  DirectView view;
  const T* const* planes;  // [channels][depth_taps], or null where one lies outside the source
  int64_t channels, depth_taps;
  const T* weights;  // of the lowest tap, and how far apart the others lie
  int64_t w_row, w_channel, w_depth, w_tap_row, w_tap;
  const T* bias;  // [channels], or null
  bool relu;
  int64_t first_row, rows;        // vectors of rows; and the first row of the source that they see
  int64_t height;                 // of a tile
  int64_t columns, last_columns;  // of each vector of rows, and of the last one
  int64_t out_pitch, out_plane;
  void* seen;       // TapColumns, [block of columns][taps_w]
  bool seen_ready;  // for all of them; else for one at a time
  Ahead<T> ahead;   // the next plane
};

// sum[m][r] += the products of one column of taps, read from `row` on.
template <class T, int taps_h, int step, int rows, int channels, Columns columns, class Inside>
STRIATE_INLINE void add_taps(const DirectBand<T>& t, const TapColumns<T, columns>& seen,
                             const Inside& inside, const T* row, const T* weights,
                             Vec<T> (&sum)[channels][rows]) {
  const int64_t pitch = t.view.src_columns;
  Vec<T> weight[channels][taps_h];
#pragma GCC unroll 8
  for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
    for (int h = 0; h < taps_h; ++h)
      weight[m][h] = Vec<T>::set(weights[m * t.w_row + h * t.w_tap_row]);
#pragma GCC unroll 32
  for (int i = 0; i < (rows - 1) * step + taps_h; ++i, row += pitch) {
    const Vec<T> pixels = seen.load(row, inside.at(i));
#pragma GCC unroll 8
    for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
      for (int h = 0; h < taps_h; ++h) {
        const int r = (i - h) / step;
        if (i >= h && (i - h) % step == 0 && r < rows)
          sum[m][r] = fma(weight[m][h], pixels, sum[m][r]);
      }
  }
}

// Two columns of taps that lie side by side see the even and the odd ones of the same pixels.
template <class T, int taps_h, int step, int rows, class Inside>
STRIATE_INLINE void add_both_taps(const DirectBand<T>& t,
                                  const TapColumns<T, Columns::halves>& seen, const Inside& inside,
                                  const T* row, const T* weights, Vec<T> (&sum)[1][rows]) {
  const int64_t pitch = t.view.src_columns;
  Vec<T> weight[2][taps_h];
#pragma GCC unroll 8
  for (int h = 0; h < taps_h; ++h) {
    weight[0][h] = Vec<T>::set(weights[h * t.w_tap_row]);
    weight[1][h] = Vec<T>::set(weights[h * t.w_tap_row + t.w_tap]);
  }
#pragma GCC unroll 32
  for (int i = 0; i < (rows - 1) * step + taps_h; ++i, row += pitch) {
    Vec<T> even, odd;
    seen.load(row, inside.at(i), &even, &odd);
#pragma GCC unroll 8
    for (int h = 0; h < taps_h; ++h) {
      const int r = (i - h) / step;
      if (i >= h && (i - h) % step == 0 && r < rows)
        sum[0][r] = fma(weight[1][h], odd, fma(weight[0][h], even, sum[0][r]));
    }
  }
}

// Any taps and steps.
template <class T, int rows, int channels, Columns columns>
STRIATE_INLINE void add_any_taps(const DirectBand<T>& t, const TapColumns<T, columns>& seen,
                                 int64_t first_row, const T* plane, const T* weights,
                                 Vec<T> (&sum)[channels][rows]) {
  const DirectView& v = t.view;
  for (int64_t h = 0; h < v.taps_h; ++h, weights += t.w_tap_row)
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const int64_t row = first_row + r * v.step() + h * v.tap_row;
      const LaneSet<T> inside = rows_inside<T, columns>(v, row);
      // Rows far outside have no address.
      const T* from = inside.empty() ? plane : plane + row * v.src_columns;
      const Vec<T> pixels = seen.load(from, inside);
#pragma GCC unroll 8
      for (int m = 0; m < channels; ++m)
        sum[m][r] = fma(Vec<T>::set(weights[m * t.w_row]), pixels, sum[m][r]);
    }
}

template <class T, int taps_h, int step, int rows, int channels, Columns columns>
STRIATE_INLINE void sum_tile(const DirectBand<T>& t, const TapColumns<T, columns>* seen,
                             int64_t first_row, Vec<T> (&sum)[channels][rows]) {
  const DirectView& v = t.view;
  const RowsInside<T, taps_h, taps_h == 0 ? 1 : (rows - 1) * step + taps_h, columns> inside(
      v, first_row);
#pragma GCC unroll 8
  for (int m = 0; m < channels; ++m) {
    const Vec<T> bias = t.bias == nullptr ? Vec<T>::zero() : Vec<T>::set(t.bias[m]);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) sum[m][r] = bias;
  }
  const T* const* planes = t.planes;
  for (int64_t c = 0; c < t.channels; ++c) {
    for (int64_t d = 0; d < t.depth_taps; ++d) {
      const T* plane = *planes++;
      if (plane == nullptr) continue;
      const T* row = taps_h == 0 ? plane : plane + first_row * v.src_columns;
      const T* weights = t.weights + c * t.w_channel + d * t.w_depth;
      for (int64_t w = 0; w < v.taps_w; ++w, weights += t.w_tap) {
        if constexpr (taps_h == 0) {
          add_any_taps<T, rows, channels>(t, seen[w], first_row, plane, weights, sum);
        } else {
          if constexpr (columns == Columns::halves && channels == 1) {
            if (v.tap_column == 1 && w + 1 < v.taps_w) {
              add_both_taps<T, taps_h, step, rows>(t, seen[w], inside, row, weights, sum);
              ++w;
              weights += t.w_tap;
              continue;
            }
          }
          add_taps<T, taps_h, step, rows, channels>(t, seen[w], inside, row, weights, sum);
        }
      }
    }
  }
}

template <class T, int taps_h, int step, int rows, int channels, Columns columns>
STRIATE_INLINE void direct_tile(const DirectBand<T>& t, const TapColumns<T, columns>* seen,
                                int64_t first_row, int n, int last, T* out) {
  Vec<T> sum[channels][rows];
  sum_tile<T, taps_h, step>(t, seen, first_row, sum);
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int m = 0; m < channels; ++m)
      (t.relu ? formula::relu(sum[m][r]) : sum[m][r])
          .store(out + m * t.out_plane + r * t.out_pitch, r + 1 < rows ? n : last);
}

// The same for one plane and a square of taps that lie side by side: all loops have known lengths,
// and the weights of few taps stay in registers.
template <class T, int taps, int step, int rows, Columns columns>
STRIATE_INLINE void square_tile(const DirectBand<T>& t, const TapColumns<T, columns>* seen,
                                const T* plane, int64_t first_row, int n, int last, T* out) {
  constexpr int count = (rows - 1) * step + taps;
  const DirectView& v = t.view;
  const RowsInside<T, taps, count, columns> inside(v, first_row);
  const Vec<T> bias = t.bias == nullptr ? Vec<T>::zero() : Vec<T>::set(*t.bias);
  Vec<T> sum[rows];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) sum[r] = bias;
  const T* row = plane + first_row * v.src_columns;
#pragma GCC unroll 32
  for (int i = 0; i < count; ++i, row += v.src_columns) {
    if (columns != Columns::two_rows && inside.edge(i) && inside.at(i).empty()) continue;
    const LaneSet<T> lanes = columns == Columns::two_rows ? inside.at(i) : LaneSet<T>::all();
    const auto add = [&](int w, Vec<T> pixels) {
#pragma GCC unroll 8
      for (int h = 0; h < taps; ++h) {
        const int r = (i - h) / step;
        if (i >= h && (i - h) % step == 0 && r < rows)
          sum[r] = fma(Vec<T>::set(t.weights[h * t.w_tap_row + w * t.w_tap]), pixels, sum[r]);
      }
    };
    if constexpr (columns == Columns::halves) {
#pragma GCC unroll 8
      for (int w = 0; w + 1 < taps; w += 2) {
        Vec<T> even, odd;
        seen[w].load(row, lanes, &even, &odd);
        add(w, even);
        add(w + 1, odd);
      }
      if constexpr (taps % 2 == 1) add(taps - 1, seen[taps - 1].load(row, lanes));
    } else {
#pragma GCC unroll 8
      for (int w = 0; w < taps; ++w) add(w, seen[w].load(row, lanes));
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
    (t.relu ? formula::relu(sum[r]) : sum[r]).store(out + r * t.out_pitch, r + 1 < rows ? n : last);
}

// Tiles may overlap: rows that are computed twice come out the same.
template <class T, int taps_h, int step, int channels, Columns columns>
void direct_band(const DirectBand<T>& band, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const DirectBand<T> t = band;
  TapColumns<T, columns>* seen = static_cast<TapColumns<T, columns>*>(t.seen);
  const bool square = taps_h == t.view.taps_w && t.view.tap_column == 1 &&
                      t.channels * t.depth_taps == 1 && t.planes[0] != nullptr;
  Ahead<T> ahead = t.ahead;
  for (int64_t column = 0; column < t.columns; column += lanes, out += lanes) {
    if (!t.seen_ready) see_columns(t.view, column, t.columns, false, seen);
    const int n = static_cast<int>(least(t.columns - column, lanes));
    const int last = static_cast<int>(least(t.last_columns - column, lanes));
    for (int64_t i = 0; i < t.rows; i += t.height) {
      const int64_t r = least(i, t.rows - t.height);
      const int64_t first_row = t.first_row + r * t.view.step();
      const int end = r + t.height == t.rows ? last : n;
      T* to = out + r * t.out_pitch;
      if (channels == 1 && ahead.asks()) ahead.next();
      if constexpr (channels == 1 && taps_h == 3) {
        if (square) {
          const T* plane = t.planes[0];
          if (t.height == 7)
            square_tile<T, taps_h, step, 7>(t, seen, plane, first_row, n, end, to);
          else if (t.height == 4)
            square_tile<T, taps_h, step, 4>(t, seen, plane, first_row, n, end, to);
          else
            square_tile<T, taps_h, step, 1>(t, seen, plane, first_row, n, end, to);
          continue;
        }
      }
      if (t.height == 4)
        direct_tile<T, taps_h, step, 4, channels>(t, seen, first_row, n, end, to);
      else if (channels > 1 || t.height == 1)
        direct_tile<T, taps_h, step, 1, channels>(t, seen, first_row, n, end, to);
      else
        direct_tile<T, taps_h, step, channels == 1 ? 7 : 1, channels>(t, seen, first_row, n, end,
                                                                      to);
    }
    if (t.seen_ready) seen += t.view.taps_w;
  }
}

// Two phases of an input gradient, which are the even and the odd columns of the result.
template <class T, int taps_h>
void twin_band(const DirectBand<T>& even_band, const DirectBand<T>& odd_band, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr Columns columns = Columns::consecutive;
  using Seen = TapColumns<T, columns>;
  const DirectBand<T> even = even_band, odd = odd_band;
  Seen *even_seen = static_cast<Seen*>(even.seen), *odd_seen = static_cast<Seen*>(odd.seen);
  for (int64_t column = 0; 2 * column < even.columns; column += lanes, out += 2 * lanes) {
    if (!even.seen_ready) {
      see_columns(even.view, column, column + lanes, false, even_seen);
      see_columns(odd.view, column, column + lanes, false, odd_seen);
    }
    const int64_t left = even.columns - 2 * column;
    const auto add = [&](auto height, int64_t r) {
      constexpr int rows = decltype(height)::get;
      const int64_t first_row = even.first_row + r * even.view.step();
      Vec<T> a[1][rows], b[1][rows];
      sum_tile<T, taps_h, taps_h == 0 ? 0 : 1>(even, even_seen, first_row, a);
      sum_tile<T, taps_h, taps_h == 0 ? 0 : 1>(odd, odd_seen, first_row, b);
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) {
        T* to = out + (r + i) * even.out_pitch;
        interleave_low(a[0][i], b[0][i]).store(to, static_cast<int>(least(left, lanes)));
        if (left > lanes)
          interleave_high(a[0][i], b[0][i])
              .store(to + lanes, static_cast<int>(least(left - lanes, lanes)));
      }
    };
    for (int64_t i = 0; i < even.rows; i += even.height) {
      const int64_t r = least(i, even.rows - even.height);
      if (even.height == 4)
        add(Constant<4>{}, r);
      else
        add(Constant<1>{}, r);
    }
    if (even.seen_ready) {
      even_seen += even.view.taps_w;
      odd_seen += odd.view.taps_w;
    }
  }
}

// The height of the tiles for this many rows.
STRIATE_INLINE int64_t tile_height(int64_t rows, bool many_channels) {
  constexpr int64_t tall = 7;
  if (rows < 4) return 1;
  return !many_channels && rows >= tall && ceil_div(rows, tall) * tall <= ceil_div(rows, 4) * 4
             ? tall
             : 4;
}

// For one channel, and for kChannelTile of them.
template <class T>
struct DirectBands {
  void (*one)(const DirectBand<T>&, T*);
  void (*many)(const DirectBand<T>&, T*);
  void (*twin)(const DirectBand<T>& even, const DirectBand<T>& odd, T*);  // of one channel
  // Fills in `band.seen` for `blocks` vectors of columns; without it, how many bytes it takes.
  int64_t (*see)(const DirectBand<T>& band, int64_t blocks);
};

template <class T, int taps_h, Columns columns>
constexpr auto twin_band_of() -> void (*)(const DirectBand<T>&, const DirectBand<T>&, T*) {
  if constexpr (columns == Columns::consecutive) return twin_band<T, taps_h>;
  return nullptr;
}

template <class T>
DirectBands<T> direct_bands(const TileKind& kind) {
  return with_tile_kind(kind, [](auto taps, auto steps, auto kind_of_columns) {
    constexpr int taps_h = decltype(taps)::get, step = decltype(steps)::get;
    constexpr Columns columns = decltype(kind_of_columns)::get;
    return DirectBands<T>{direct_band<T, taps_h, step, 1, columns>,
                          direct_band<T, taps_h, step, kChannelTile, columns>,
                          twin_band_of<T, step == 2 ? 0 : taps_h, columns>(),
                          [](const DirectBand<T>& band, int64_t blocks) {
                            auto* seen = static_cast<TapColumns<T, columns>*>(band.seen);
                            if (seen != nullptr)
                              for (int64_t i = 0; i < blocks; ++i)
                                see_columns(band.view, i * Vec<T>::lanes, band.columns, false,
                                            seen + i * band.view.taps_w);
                            return blocks * band.view.taps_w * static_cast<int64_t>(sizeof(*seen));
                          }};
  });
}

}  // namespace
}  // namespace striate::cpu
