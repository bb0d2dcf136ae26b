// Winograd's way back: the inverse transform of a block's products, bias and activation, and where
// its tiles go in the result.
#pragma once

#include "cpu/conv/winograd_tiles.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu {
namespace {

// Where a block's tiles go in the result.
struct Places {
  int64_t* offset;  // of a tile's first pixel, from the group's first row
  // Pixels of the tile that the result has: [top, height) x [left, width).
  int8_t *top, *left, *height, *width;
};

void find_places(const Winograd& g, int64_t first, int64_t count, const Places& places) {
  const int64_t sample = g.groups * g.rows * g.dst[0] * g.dst[1];
  for_each_strip(g.tiles, first, count, [&](const Strip& strip, int64_t done) {
    const int64_t y = strip.row * g.outputs + g.dst_origin[0];
    for (int64_t i = 0; i < strip.tiles; ++i) {
      const int64_t x = (strip.column + i) * g.outputs + g.dst_origin[1];
      places.offset[done + i] = strip.sample * sample + y * g.dst[1] + x;
      places.top[done + i] = y < 0;
      places.left[done + i] = x < 0;
      places.height[done + i] = static_cast<int8_t>(least(g.outputs, g.dst[0] - y));
      places.width[done + i] = static_cast<int8_t>(least(g.outputs, g.dst[1] - x));
    }
  });
}

STRIATE_INLINE void copy_pixels(float* to, const float* from, int n) {
  if (n == 4) {
    __builtin_memcpy(to, from, 16);
  } else if (n == 2) {
    __builtin_memcpy(to, from, 8);
  } else {
    for (int i = 0; i < n; ++i) to[i] = from[i];
  }
}

template <int outputs>
STRIATE_INLINE void invert_axis(const Floats (&p)[6], Floats (&o)[outputs]) {
  formula::winograd_output<outputs>(p, o);
}
template <int outputs, int points>
STRIATE_INLINE void invert_axis(const Floats (&p)[points], Floats (&o)[outputs]) {
  if constexpr (points == 4 && outputs == 2)
    formula::winograd_output(p, o);
  else
    formula::winograd_strided_output<outputs>(p, o);
}

struct Activation {
  Floats bias;
  bool relu;
};

// A^T m A of a vector of tiles, whose products are `plane` apart and whose rows of products `pitch`
// planes; with bias and activation. `check` is NaN from now on where a value is not finite.
template <int rows, int columns, int outputs>
STRIATE_INLINE void invert_tiles(const float* products, int64_t plane, int pitch,
                                 const Activation& activation, Floats (&pixel)[outputs][outputs],
                                 Floats& check) {
  Floats half[outputs][columns];
#pragma GCC unroll 6
  for (int j = 0; j < columns; ++j) {
    Floats p[rows], o[outputs];
#pragma GCC unroll 6
    for (int i = 0; i < rows; ++i) p[i] = Floats::load(products + (i * pitch + j) * plane);
    invert_axis<outputs>(p, o);
#pragma GCC unroll 4
    for (int i = 0; i < outputs; ++i) half[i][j] = o[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < outputs; ++i) {
    invert_axis<outputs>(half[i], pixel[i]);
#pragma GCC unroll 4
    for (int j = 0; j < outputs; ++j) {
      Floats& value = pixel[i][j];
      value = value + activation.bias;
      check = fma(value, Floats::zero(), check);
      if (activation.relu) value = formula::relu(value);
    }
  }
}

// The result's columns of a vector of tiles that lie side by side, or 0.
STRIATE_INLINE int64_t columns_side_by_side(const Stage& stage, int64_t lane, int64_t step,
                                            const Places& places) {
  const int64_t last = lane + Floats::lanes - 1;
  if (!side_by_side(stage, lane, step)) return 0;
  return places.offset[last] - places.offset[lane] + places.width[last];
}

template <int vectors>
STRIATE_INLINE void write_columns(const Floats (&v)[vectors], float* to, int64_t columns) {
#pragma GCC unroll 4
  for (int k = 0; k < vectors; ++k) {
    const int64_t n = columns - k * Floats::lanes;
    if (n > 0) v[k].store(to + k * Floats::lanes, static_cast<int>(least(n, Floats::lanes)));
  }
}

// The tiles one by one; their rows are what transpose_quads has made of them.
template <int height>
STRIATE_INLINE void write_rows(const Floats (&rows)[height][4], int64_t columns_of_plane,
                               int64_t lane, int live, const Places& places, float* dst) {
  for_each_quarter([&](auto quarter) {
    constexpr int q = decltype(quarter)::get;
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      if (4 * q + k >= live) return;
      const int64_t at = lane + 4 * q + k;
      const int inside = places.height[at], width = places.width[at];
      float* to = dst + places.offset[at];
      if (inside == height && width == 4) {
#pragma GCC unroll 4
        for (int i = 0; i < height; ++i) store_row<q>(rows[i][k], to + i * columns_of_plane, 4);
      } else {
#pragma GCC unroll 4
        for (int i = 0; i < height; ++i)
          if (i < inside) store_row<q>(rows[i][k], to + i * columns_of_plane, width);
      }
    }
  });
}

// The pixels of a vector of tiles, from its tile `lane` on, into a plane of the result.
STRIATE_INLINE void write_tiles(Floats (&pixel)[4][4], int64_t columns_of_plane, int64_t lane,
                                int live, const Stage& stage, int64_t step, const Places& places,
                                float* dst) {
  const int64_t columns = columns_side_by_side(stage, lane, step, places);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) transpose_quads(pixel[i]);
  if (columns == 0) return write_rows(pixel, columns_of_plane, lane, live, places, dst);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    if (i < places.height[lane])
      write_columns(pixel[i], dst + places.offset[lane] + i * columns_of_plane, columns);
}

STRIATE_INLINE void write_tiles(Floats (&pixel)[3][3], int64_t columns_of_plane, int64_t lane,
                                int live, const Stage& stage, int64_t step, const Places& places,
                                float* dst) {
  const int64_t columns = kHasThirds ? columns_side_by_side(stage, lane, step, places) : 0;
  if (columns > 0) {
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      if (i >= places.height[lane]) break;
      mix_thirds(pixel[i]);
      write_columns(pixel[i], dst + places.offset[lane] + i * columns_of_plane, columns);
    }
    return;
  }
  Floats rows[3][4];
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) rows[i][j] = pixel[i][j];
    rows[i][3] = Floats::zero();
    transpose_quads(rows[i]);
  }
  write_rows(rows, columns_of_plane, lane, live, places, dst);
}

STRIATE_INLINE void write_tiles(Floats (&pixel)[2][2], int64_t columns_of_plane, int64_t lane,
                                int live, const Stage&, int64_t, const Places& places, float* dst) {
  for (int i = 0; i < 2; ++i) {
    // The pixels of tiles 4q and 4q + 1, then those of 4q + 2 and 4q + 3, for each quarter q.
    float row[2 * Floats::lanes];
    zip_low(pixel[i][0], pixel[i][1]).store(row);
    zip_high(pixel[i][0], pixel[i][1]).store(row + Floats::lanes);
    for (int l = 0; l < live; l += 2) {
      const float* from = row + l / 4 * 4 + (l & 2) / 2 * Floats::lanes;
      const int64_t at = lane + l;
      if (i >= places.height[at]) {
        // Two tiles may lie in different strips.
      } else if (l + 1 < live && places.offset[at + 1] == places.offset[at] + 2 &&
                 places.width[at + 1] == 2) {
        copy_pixels(dst + places.offset[at] + i * columns_of_plane, from, 4);
        continue;
      } else {
        copy_pixels(dst + places.offset[at] + i * columns_of_plane, from, places.width[at]);
      }
      if (l + 1 < live && i < places.height[at + 1])
        copy_pixels(dst + places.offset[at + 1] + i * columns_of_plane, from + 2,
                    places.width[at + 1]);
    }
  }
}

// Every other row of tiles of 8x8 pixels, from row `parity` on: of each, the columns 0, 2, 4, 6 in
// `even` and the others in `odd`.
STRIATE_INLINE void write_alternating(Floats (&even)[4][4], Floats (&odd)[4][4], int parity,
                                      int64_t columns_of_plane, int64_t lane, int live,
                                      const Stage& stage, int64_t step, const Places& places,
                                      float* dst) {
  constexpr int lanes = Floats::lanes;
  const int64_t columns = columns_side_by_side(stage, lane, step, places);
  const bool whole = columns > 0;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    transpose_quads(even[i]);
    transpose_quads(odd[i]);
    const int row = 2 * i + parity;
    const int64_t start = row * columns_of_plane;
    const bool inside = row >= places.top[lane] && row < places.height[lane];
    if (whole && !inside) continue;
    float line[8 * lanes];
    const bool direct = columns == 8 * lanes && places.left[lane] == 0;
    float* to = direct ? dst + (places.offset[lane] + start) : line;
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) store_alternating(even[i][k], odd[i][k], to + 2 * k * lanes);
    if (direct) continue;
    if (whole) {
      for (int64_t x = places.left[lane]; x < columns; x += lanes) {
        const int n = static_cast<int>(least(lanes, columns - x));
        Floats::load(line + x, n).store(dst + (places.offset[lane] + start + x), n);
      }
      continue;
    }
    for (int l = 0; l < live; ++l) {
      const int64_t at = lane + l;
      if (row < places.top[at] || row >= places.height[at]) continue;
      const float* from = line + l % 4 * 2 * lanes + l / 4 * 8;
      const int64_t offset = places.offset[at] + start;
      if (places.left[at] == 0 && places.width[at] == 8) {
        __builtin_memcpy(dst + offset, from, 32);
      } else {
        for (int x = places.left[at]; x < places.width[at]; ++x) dst[offset + x] = from[x];
      }
    }
  }
}

// How a form's products become tiles of the result.
template <int outputs, int points>
struct PointsResult {
  static STRIATE_INLINE void invert(const float* products, int64_t plane,
                                    const Activation& activation, int64_t columns_of_plane,
                                    int64_t lane, int live, const Stage& stage, int64_t step,
                                    const Places& places, float* dst, Floats& check) {
    Floats pixel[outputs][outputs];
    invert_tiles<points, points>(products, plane, points, activation, pixel, check);
    write_tiles(pixel, columns_of_plane, lane, live, stage, step, places, dst);
  }
};
// Of a strided input gradient: the middle tap's pixels and the outer taps' take turns.
struct AlternatingResult {
  static STRIATE_INLINE void invert(const float* products, int64_t plane,
                                    const Activation& activation, int64_t columns_of_plane,
                                    int64_t lane, int live, const Stage& stage, int64_t step,
                                    const Places& places, float* dst, Floats& check) {
    Floats even[4][4], odd[4][4];
    invert_tiles<4, 4>(products + (5 * 9 + 5) * plane, plane, 9, activation, even, check);
    invert_tiles<4, 5>(products + 5 * 9 * plane, plane, 9, activation, odd, check);
    write_alternating(even, odd, 0, columns_of_plane, lane, live, stage, step, places, dst);
    invert_tiles<5, 4>(products + 5 * plane, plane, 9, activation, even, check);
    invert_tiles<5, 5>(products, plane, 9, activation, odd, check);
    write_alternating(even, odd, 1, columns_of_plane, lane, live, stage, step, places, dst);
  }
};

// False where a sum is not finite.
template <class Result>
bool invert(const Winograd& g, int64_t row_block, int64_t count, const float* products,
            const float* bias, bool relu, const Stage& stage, const Places& places, float* dst) {
  const int64_t first = row_block * g.panels_per_block * kTileRows;
  const int64_t rows = least(g.panels_in(row_block) * kTileRows, g.rows - first);
  Floats check = Floats::zero();
  for (int64_t r = 0; r < rows; ++r) {
    const Activation activation{Floats::set(bias == nullptr ? 0.0f : bias[first + r]), relu};
    for (int64_t lane = 0; lane < count; lane += Floats::lanes)
      Result::invert(products + r * g.tiles_per_block + lane, g.products_plane(), activation,
                     g.dst[1], lane, static_cast<int>(least(Floats::lanes, count - lane)), stage,
                     g.tiles.step, places, dst + (first + r) * g.dst[0] * g.dst[1], check);
  }
  return !any(is_nan(check));
}

}  // namespace
}  // namespace striate::cpu
