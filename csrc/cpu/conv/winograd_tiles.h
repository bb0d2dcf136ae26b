// The transform of a convolution's source into Winograd's domain, which all three directions share.
// A block is some consecutive tiles, numbered through (sample, tile row, tile column). For each
// channel, the vertical half of B^T d B runs along the rows of the source, whole vectors of columns
// at a time, into a stage of as many rows for each row of tiles as a tile has; the horizontal half
// takes a vector of tiles from there, whose columns a transpose of quads brings into lanes.
#pragma once

#include "core/formula/activation.h"
#include "core/formula/winograd.h"
#include "core/plan/winograd.h"
#include "cpu/parallel.h"
#include "cpu/quads.h"
#include "cpu/simd/thirds.h"

namespace striate::cpu {
namespace {

// What a tile is, and its transform: six samples, four or seven; a strided window's; and those of
// dy of its input gradient.
template <int samples>
struct UnitTile {
  static constexpr int size = samples;
  static STRIATE_INLINE void transform(const Floats (&d)[size], Floats (&o)[size]) {
    formula::winograd_input(d, o);
  }
};
struct StridedTile {
  static constexpr int size = 9;
  static STRIATE_INLINE void transform(const Floats (&d)[9], Floats (&o)[9]) {
    formula::winograd_strided_input(d, o);
  }
};
struct PointsTile {
  static constexpr int size = 5;
  static STRIATE_INLINE void transform(const Floats (&d)[5], Floats (&o)[5]) {
    formula::winograd_strided_input(d, o);
  }
};

// Part of a row of tiles.
struct Strip {
  int64_t sample;
  int64_t row;
  int64_t column;
  int64_t tiles;
};

// What follows a strip, of at most `most` tiles.
STRIATE_INLINE Strip next_strip(const WinogradTiles& t, const Strip& strip, int64_t most) {
  const bool last = strip.row + 1 == t.tiles[0];
  return {strip.sample + (last ? 1 : 0), last ? 0 : strip.row + 1, 0, least(t.tiles[1], most)};
}

// Calls body(strip, tiles before it in the block) for each strip of the block.
template <class Body>
STRIATE_INLINE void for_each_strip(const WinogradTiles& t, int64_t first, int64_t count,
                                   const Body& body) {
  Strip strip{first / t.tiles[1] / t.tiles[0], first / t.tiles[1] % t.tiles[0], first % t.tiles[1],
              0};
  strip.tiles = least(t.tiles[1] - strip.column, count);
  for (int64_t done = 0; done < count;) {
    body(strip, done);
    done += strip.tiles;
    strip = next_strip(t, strip, count - done);
  }
}

struct Stage {
  float* rows;
  int64_t pitch;
  // Of each tile's first column in `rows`; filled up to whole vectors with the last tile's.
  int32_t* offset;
};

// Fills in the offsets and clears the padding, which no channel writes to.
STRIATE_INLINE void prepare_stage(const WinogradTiles& t, int64_t first, int64_t count,
                                  const Stage& stage) {
  int64_t index = 0, at = 0;
  for_each_strip(t, first, count, [&](const Strip& strip, int64_t) {
    for (int64_t i = 0; i < strip.tiles; ++i)
      stage.offset[at++] = static_cast<int32_t>(index * t.size * stage.pitch + i * t.step);
    ++index;
  });
  for (; at % Floats::lanes != 0; ++at) stage.offset[at] = stage.offset[at - 1];
  __builtin_memset(stage.rows, 0,
                   static_cast<size_t>(index * t.size * stage.pitch) * sizeof(float));
}

// Whether a vector's tiles lie side by side: then whole vectors hold their rows, of four or eight.
STRIATE_INLINE bool side_by_side(const Stage& stage, int64_t lane, int64_t step) {
  return stage.offset[lane + Floats::lanes - 1] - stage.offset[lane] ==
             step * (Floats::lanes - 1) &&
         stage.offset[lane + 1] - stage.offset[lane] == step;
}

// Where transform_stage puts one of the block's tiles.
STRIATE_INLINE int64_t tile_place(const Stage& stage, int64_t tile, int64_t step) {
  const int64_t row = tile % Floats::lanes;
  return step >= 4 && side_by_side(stage, tile - row, step)
             ? tile - row + row % kQuarters * 4 + row / kQuarters
             : tile;
}

// One channel's rows, vertically transformed.
template <class Tile, bool masked>
STRIATE_INLINE void fill_stage(const WinogradTiles& t, int64_t first, int64_t count,
                               const float* src, const float* mask, int64_t sample_step,
                               const Stage& stage) {
  constexpr int lanes = Floats::lanes, size = Tile::size;
  const int64_t plane = t.src[0] * t.src[1];
  float* to = stage.rows;
  for_each_strip(t, first, count, [&](const Strip& strip, int64_t) {
    const int64_t row = t.origin[0] + strip.row * t.step;
    const int64_t column = t.origin[1] + strip.column * t.step;
    const int64_t width = (strip.tiles - 1) * t.step + size;
    const int64_t inside = least(t.src[1] - column, width);
    const int64_t start = strip.sample * sample_step + column;
    int64_t at[size];
#pragma GCC unroll 9
    for (int i = 0; i < size; ++i)
      at[i] = row + i >= 0 && row + i < t.src[0] ? start + (row + i) * t.src[1] : INT64_MIN;
    for (int64_t x = column < 0 ? -column : 0; x < inside; x += lanes) {
      const int n = static_cast<int>(least(lanes, inside - x));
      Floats d[size], o[size];
#pragma GCC unroll 9
      for (int i = 0; i < size; ++i) {
        d[i] = Floats::zero();
        if (at[i] == INT64_MIN) continue;
        if (i < t.step) __builtin_prefetch(src + at[i] + x + plane, 0, 2);  // the next channel
        d[i] = Floats::load(src + at[i] + x, n);
        if constexpr (masked) d[i] = formula::relu_grad(d[i], Floats::load(mask + at[i] + x, n));
      }
      Tile::transform(d, o);
#pragma GCC unroll 9
      for (int i = 0; i < size; ++i) o[i].store(to + i * stage.pitch + x);
    }
    to += size * stage.pitch;
  });
}

// The columns of a vector of tiles; side by side and four or eight apart, lanes have the order of
// load_consecutive_rows.
template <int columns>
STRIATE_INLINE void load_columns(const float* rows, const Stage& stage, int64_t lane, int64_t step,
                                 bool whole, Floats (&d)[columns]) {
  const float* from = rows + stage.offset[lane];
  const int32_t* offset = stage.offset + lane;
  Floats first[4], last[4], unused[4];
  if constexpr (columns == 9) {
    Floats middle[4];
    if (whole) {
      load_consecutive_halves(from, first, middle);
      load_consecutive_halves(from + 8, last, unused);
    } else {
      load_rows(rows, offset, first);
      load_rows(rows + 4, offset, middle);
      load_rows(rows + 8, offset, last);
    }
    transpose_quads(first);
    transpose_quads(middle);
    transpose_quads(last);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      d[j] = first[j];
      d[4 + j] = middle[j];
    }
    d[8] = last[0];
  } else if constexpr (columns == 7) {
    load_rows(rows, offset, first);
    load_rows(rows + 3, offset, last);
    transpose_quads(first);
    transpose_quads(last);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      d[j] = first[j];
      d[3 + j] = last[j];
    }
  } else if (whole && step == 2) {
#pragma GCC unroll 6
    for (int j = 0; j < columns; ++j) d[j] = Floats::load_strided(from + j, 2, Floats::lanes);
  } else if constexpr (columns == 4) {
    load_rows(rows, offset, d);
    transpose_quads(d);
  } else {
    if constexpr (columns == 6) {
      if (whole && step == 3) {
        load_thirds(from, d);
        load_thirds(from + 3, d + 3);
        return;
      }
    }
    if (whole) {
      load_consecutive_rows(from, first);
      load_consecutive_rows(from + 2, last);
    } else {
      load_rows(rows, offset, first);
      load_rows(rows + 2, offset, last);
    }
    transpose_quads(first);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) d[j] = first[j];
    transpose_quads_high(last, &d[4], columns > 5 ? &d[columns - 1] : unused);
  }
}

// One channel's tiles, from the stage: frequency f of tile l goes to out[f * plane + l].
template <class Tile>
STRIATE_INLINE void transform_stage(int64_t count, int64_t step, const Stage& stage, float* out,
                                    int64_t plane) {
  constexpr int size = Tile::size;
  for (int64_t lane = 0; lane < count; lane += Floats::lanes) {
    const bool whole = (step != 3 || kHasThirds) && side_by_side(stage, lane, step);
    for (int i = 0; i < size; ++i) {
      Floats d[size], o[size];
      load_columns(stage.rows + i * stage.pitch, stage, lane, step, whole, d);
      Tile::transform(d, o);
#pragma GCC unroll 9
      for (int j = 0; j < size; ++j) o[j].store(out + (i * size + j) * plane + lane);
    }
  }
}

// B^T d B of `channels` channels of a block, to out[frequency * plane + channel * pitch + tile].
// Tiles beyond the last, up to a whole vector, repeat it.
template <class Tile>
STRIATE_INLINE void transform_tiles(const WinogradTiles& t, int64_t first, int64_t count,
                                    const float* src, const float* mask, int64_t channels,
                                    int64_t sample_step, const Stage& stage, float* out,
                                    int64_t pitch, int64_t plane) {
  const int64_t size = t.src[0] * t.src[1];
  for (int64_t c = 0; c < channels; ++c) {
    if (mask == nullptr)
      fill_stage<Tile, false>(t, first, count, src + c * size, nullptr, sample_step, stage);
    else
      fill_stage<Tile, true>(t, first, count, src + c * size, mask + c * size, sample_step, stage);
    transform_stage<Tile>(count, t.step, stage, out + c * pitch, plane);
  }
}

}  // namespace
}  // namespace striate::cpu
