// The transform of a strided convolution's source into Winograd's domain, phase by phase: the
// pixels that lie a stride apart are a plane of their own, of which the filter's taps of the same
// phase see six by six for a tile.
#pragma once

#include "cpu/conv/winograd_tiles.h"

namespace striate::cpu {
namespace {

// One phase's rows, vertically transformed. `corner` is where the phase begins in the source.
// Phases leave different columns to the padding, so that these are cleared each time.
template <class Tile>
STRIATE_INLINE void fill_phase_stage(const WinogradTiles& t, int64_t stride,
                                     const int64_t (&corner)[2], int64_t first, int64_t count,
                                     const float* src, int64_t sample_step, const Stage& stage) {
  constexpr int lanes = Floats::lanes, size = Tile::size;
  float* to = stage.rows;
  for_each_strip(t, first, count, [&](const Strip& strip, int64_t) {
    const int64_t row = corner[0] + strip.row * t.step * stride;
    const int64_t column = corner[1] + strip.column * t.step * stride;
    const int64_t width = (strip.tiles - 1) * t.step + size;
    const int64_t begin = column < 0 ? least(ceil_div(-column, stride), width) : 0;
    const int64_t inside =
        column < t.src[1] ? least(ceil_div(t.src[1] - column, stride), width) : 0;
    const int64_t start = strip.sample * sample_step + column;
    int64_t at[size];
#pragma GCC unroll 6
    for (int i = 0; i < size; ++i) {
      const int64_t y = row + i * stride;
      at[i] = y >= 0 && y < t.src[0] ? start + y * t.src[1] : INT64_MIN;
    }
    const auto clear = [&](int64_t from, int64_t end) {
      for (int i = 0; i < size; ++i)
        for (int64_t x = from; x < end; ++x) to[i * stage.pitch + x] = 0.0f;
    };
    clear(0, begin);
    int64_t x = begin;
    for (; x < inside; x += lanes) {
      const int n = static_cast<int>(least(lanes, inside - x));
      Floats d[size], o[size];
#pragma GCC unroll 6
      for (int i = 0; i < size; ++i)
        d[i] = at[i] == INT64_MIN ? Floats::zero()
                                  : Floats::load_strided(src + at[i] + x * stride, stride, n);
      Tile::transform(d, o);
#pragma GCC unroll 6
      for (int i = 0; i < size; ++i) o[i].store(to + i * stage.pitch + x);
    }
    clear(x, width);
    to += size * stage.pitch;
  });
}

// transform_tiles of `channels` phases from `first_phase` on, which are numbered through (channel,
// row, column); `src` is the first channel.
template <class Tile>
STRIATE_INLINE void transform_phases(const WinogradTiles& t, int64_t stride, int64_t first,
                                     int64_t count, const float* src, int64_t first_phase,
                                     int64_t channels, int64_t sample_step, const Stage& stage,
                                     float* out, int64_t pitch, int64_t plane) {
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t phase = first_phase + c;
    const int64_t corner[2] = {t.origin[0] + phase / stride % stride, t.origin[1] + phase % stride};
    fill_phase_stage<Tile>(t, stride, corner, first, count,
                           src + phase / (stride * stride) * t.src[0] * t.src[1], sample_step,
                           stage);
    transform_stage<Tile>(count, t.step, stage, out + c * pitch, plane);
  }
}

}  // namespace
}  // namespace striate::cpu
