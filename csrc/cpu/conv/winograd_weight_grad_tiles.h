// A weight gradient's two transforms beside that of x: dy's tiles, and the way back from the sums.
#pragma once

#include "core/plan/winograd_weight_grad.h"
#include "cpu/conv/winograd_tiles.h"

namespace striate::cpu {
namespace {

// Rows of dy on their way to the tiles, [lane][row][column].
constexpr int64_t kTilesPerCopy = 16;
constexpr int64_t kCopyRow = 4 * kTilesPerCopy;
constexpr int64_t kCopyPitch = 4 * kCopyRow + 16;

// `tiles` tiles of the strip, from its tile `first` on, of `live` outputs; zeros beyond dy's edges.
template <int size>
void copy_dy(const WinogradWeightGrad& g, const Strip& strip, int64_t first, int64_t tiles,
             const float* dy, const float* y, int64_t live, float* copy) {
  const int64_t plane = g.dst[0] * g.dst[1];
  const int64_t column = (strip.column + first) * size;
  const int64_t width = tiles * size;
  const int64_t inside = least(width, g.dst[1] - column);
  for (int64_t l = 0; l < Floats::lanes; ++l) {
    for (int64_t i = 0; i < size; ++i) {
      float* to = copy + l * kCopyPitch + i * kCopyRow;
      const int64_t row = strip.row * size + i;
      const int64_t columns = l < live && row < g.dst[0] ? inside : 0;
      const int64_t start = columns == 0 ? 0 : l * plane + row * g.dst[1] + column;
      for (int64_t k = 0; k < width; k += Floats::lanes) {
        const int n = static_cast<int>(columns < k ? 0 : least(Floats::lanes, columns - k));
        Floats v = Floats::load(dy + start + k, n);
        if (y != nullptr) v = formula::relu_grad(v, Floats::load(y + start + k, n));
        v.store(to + k);
      }
    }
  }
}

// Asks for what copy_dy reads of some lanes of a strip. Planes lie too far apart for the processor
// to see what comes next, unless their rows are long.
template <int size>
STRIATE_INLINE void prefetch_dy(const WinogradWeightGrad& g, const Strip& strip, const float* dy,
                                int64_t first_lane, int64_t end_lane) {
  constexpr int64_t kLine = 16, kLongRow = 64;
  if (g.dst[1] > kLongRow) return;
  const int64_t plane = g.dst[0] * g.dst[1];
  const int64_t column = strip.column * size;
  const int64_t columns = least(strip.tiles * size, g.dst[1] - column);
  const int64_t rows = least(size, g.dst[0] - strip.row * size);
  const int64_t length = (rows - 1) * g.dst[1] + columns;
  const float* from = dy + strip.sample * g.groups * g.outputs * plane +
                      strip.row * size * g.dst[1] + column + first_lane * plane;
  for (int64_t l = first_lane; l < end_lane; ++l, from += plane)
    for (int64_t k = 0; k < length; k += kLine) __builtin_prefetch(from + k, 0, 2);
}

// The transforms of a kind of window: `size` of dy to `points`, and `sums` to taps, along an axis.
struct ThreeTapsForm {
  using Tile = UnitTile<6>;
  static constexpr int taps = 3, size = 4, points = 6, sums = 6;
  static STRIATE_INLINE void transform_dy(const Floats (&d)[4], Floats (&o)[6]) {
    formula::winograd_weights(d, o);
  }
  static STRIATE_INLINE void invert(const Floats (&p)[6], Floats (&o)[3]) {
    formula::winograd_output(p, o);
  }
};
struct FiveTapsForm {
  using Tile = UnitTile<7>;
  static constexpr int taps = 5, size = 3, points = 7, sums = 7;
  static STRIATE_INLINE void transform_dy(const Floats (&d)[3], Floats (&o)[7]) {
    formula::winograd_weights(d, o);
  }
  static STRIATE_INLINE void invert(const Floats (&p)[7], Floats (&o)[5]) {
    formula::winograd_output(p, o);
  }
};
struct StridedForm {
  using Tile = StridedTile;
  static constexpr int taps = 3, size = 4, points = 5, sums = 6;
  static STRIATE_INLINE void transform_dy(const Floats (&d)[4], Floats (&o)[5]) {
    formula::winograd_strided_points(d, o);
  }
  static STRIATE_INLINE void invert(const Floats (&p)[6], Floats (&o)[3]) {
    formula::winograd_strided_taps(p, o);
  }
};

// Calls body with the form of the plan's window.
template <class Body>
STRIATE_INLINE void with_form(const WinogradWeightGrad& g, const Body& body) {
  if (g.taps == 5) return body(FiveTapsForm{});
  if (g.stride == 1) return body(ThreeTapsForm{});
  body(StridedForm{});
}

// dy of a vector of outputs and some of the block's tiles at the points, to out[point * plane +
// tile * width].
template <class Form>
void transform_dy(const WinogradWeightGrad& g, int64_t block, int64_t first, int64_t count,
                  const float* dy, const float* y, int64_t live, const Stage& stage, float* copy,
                  float* out, int64_t width) {
  constexpr int size = Form::size, points = Form::points;
  const int64_t plane = g.dy_plane();
  const int64_t sample_step = g.groups * g.outputs * g.dst[0] * g.dst[1];
  int32_t lane_offset[Floats::lanes];
  for (int l = 0; l < Floats::lanes; ++l) lane_offset[l] = static_cast<int32_t>(l * kCopyPitch);
  Strip first_strip{};
  for_each_strip(
      g.tiles, g.first_tile(block) + first, count, [&](const Strip& strip, int64_t done) {
        const int64_t start = strip.sample * sample_step;
        if (done == 0) first_strip = strip;
        // Of the next strip, or the next vector's first, some lanes with each tile.
        const int64_t rest = count - done - strip.tiles;
        const Strip next = rest > 0 ? next_strip(g.tiles, strip, rest) : first_strip;
        const float* next_dy = rest > 0 ? dy : dy + Floats::lanes * g.dst[0] * g.dst[1];
        for (int64_t k = 0; k < strip.tiles; k += kTilesPerCopy) {
          const int64_t tiles = least(kTilesPerCopy, strip.tiles - k);
          copy_dy<size>(g, strip, k, tiles, dy + start, y == nullptr ? nullptr : y + start, live,
                        copy);
          for (int64_t t = 0; t < tiles; ++t) {
            prefetch_dy<size>(g, next, next_dy, Floats::lanes * (k + t) / strip.tiles,
                              Floats::lanes * (k + t + 1) / strip.tiles);
            Floats column[4][size], half[points][size];
#pragma GCC unroll 4
            for (int i = 0; i < size; ++i) {
              Floats quad[4];
              load_rows(copy + i * kCopyRow + t * size, lane_offset, quad);
              transpose_quads(quad);
#pragma GCC unroll 4
              for (int j = 0; j < size; ++j) column[j][i] = quad[j];
            }
#pragma GCC unroll 4
            for (int j = 0; j < size; ++j) {
              Floats o[points];
              Form::transform_dy(column[j], o);
#pragma GCC unroll 7
              for (int i = 0; i < points; ++i) half[i][j] = o[i];
            }
            float* to = out + tile_place(stage, first + done + k + t, g.tiles.step) * width;
            for (int i = 0; i < points; ++i) {
              Floats o[points];
              Form::transform_dy(half[i], o);
#pragma GCC unroll 7
              for (int j = 0; j < points; ++j) o[j].store(to + (i * points + j) * plane);
            }
          }
        }
      });
}

// A^T p A of a task's products; `add` but for the first block.
template <class Form>
void add_inverse(const WinogradWeightGrad& g, int64_t channels, int vectors, const float* products,
                 float* sums, bool add) {
  constexpr int taps = Form::taps, size = Form::sums;
  const int64_t plane = g.products_plane();
  const int64_t width = vectors * Floats::lanes;
  for (int64_t c = 0; c < channels; ++c) {
    for (int v = 0; v < vectors; ++v) {
      const float* from = products + c * width + v * Floats::lanes;
      // Loops, not written out: gcc would keep an address for each plane, on the stack.
      Floats half[taps][size];
#pragma GCC unroll 1
      for (int j = 0; j < size; ++j) {
        Floats p[size], o[taps];
#pragma GCC unroll 7
        for (int i = 0; i < size; ++i) p[i] = Floats::load(from + i * size * plane);
        from += plane;
        Form::invert(p, o);
#pragma GCC unroll 5
        for (int i = 0; i < taps; ++i) half[i][j] = o[i];
      }
      float* to = sums + c * taps * taps * width + v * Floats::lanes;
#pragma GCC unroll 1
      for (int i = 0; i < taps; ++i, to += taps * width) {
        Floats o[taps];
        Form::invert(half[i], o);
#pragma GCC unroll 5
        for (int j = 0; j < taps; ++j)
          (add ? Floats::load(to + j * width) + o[j] : o[j]).store(to + j * width);
      }
    }
  }
}

}  // namespace
}  // namespace striate::cpu
