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
  int8_t* height;   // pixels of the tile that the result has
  int8_t* width;
};

void find_places(const Winograd& g, int64_t first, int64_t count, const Places& places) {
  const int64_t sample = g.groups * g.rows * g.dst[0] * g.dst[1];
  for_each_strip(g.tiles, first, count, [&](const Strip& strip, int64_t done) {
    const int64_t y = strip.row * g.outputs;
    for (int64_t i = 0; i < strip.tiles; ++i) {
      const int64_t x = (strip.column + i) * g.outputs;
      places.offset[done + i] = strip.sample * sample + y * g.dst[1] + x;
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

// A^T m A of one row's products, with bias and activation. False where a sum is not finite.
template <int outputs>
bool invert_row(const Winograd& g, int64_t count, const float* products, float bias, bool relu,
                const Stage& stage, const Places& places, float* dst) {
  const int64_t plane = g.products_plane();
  const Floats bias_lanes = Floats::set(bias);
  Floats check = Floats::zero();
  for (int64_t lane = 0; lane < count; lane += Floats::lanes) {
    Floats half[outputs][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      Floats p[6], o[outputs];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) p[i] = Floats::load(products + (i * 6 + j) * plane + lane);
      formula::winograd_output<outputs>(p, o);
#pragma GCC unroll 4
      for (int i = 0; i < outputs; ++i) half[i][j] = o[i];
    }
    Floats pixel[outputs][outputs];
#pragma GCC unroll 4
    for (int i = 0; i < outputs; ++i) {
      formula::winograd_output<outputs>(half[i], pixel[i]);
#pragma GCC unroll 4
      for (int j = 0; j < outputs; ++j) {
        Floats& value = pixel[i][j];
        value = value + bias_lanes;
        check = fma(value, Floats::zero(), check);  // NaN from now on, if value is not finite
        if (relu) value = formula::relu(value);
      }
    }
    const int live = static_cast<int>(least(Floats::lanes, count - lane));
    if constexpr (outputs == 4) {
      float* first = dst + places.offset[lane];
      const bool whole = side_by_side(stage, lane, 4);
      const int64_t columns = whole
                                  ? places.offset[lane + Floats::lanes - 1] - places.offset[lane] +
                                        places.width[lane + Floats::lanes - 1]
                                  : 0;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        transpose_quads(pixel[i]);
        if (whole) {
          if (i >= places.height[lane]) continue;
#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            const int64_t n = columns - k * Floats::lanes;
            if (n > 0)
              pixel[i][k].store(first + i * g.dst[1] + k * Floats::lanes,
                                static_cast<int>(least(n, Floats::lanes)));
          }
        } else {
          float row[4 * Floats::lanes];
          store_rows(pixel[i], row);
          for (int l = 0; l < live; ++l) {
            if (i < places.height[lane + l])
              copy_pixels(dst + places.offset[lane + l] + i * g.dst[1], row + row_place(l),
                          places.width[lane + l]);
          }
        }
      }
    } else {
      static_assert(outputs == 2, "");
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
            copy_pixels(dst + places.offset[at] + i * g.dst[1], from, 4);
            continue;
          } else {
            copy_pixels(dst + places.offset[at] + i * g.dst[1], from, places.width[at]);
          }
          if (l + 1 < live && i < places.height[at + 1])
            copy_pixels(dst + places.offset[at + 1] + i * g.dst[1], from + 2, places.width[at + 1]);
        }
      }
    }
  }
  return !any(is_nan(check));
}

template <int taps>
bool invert(const Winograd& g, int64_t row_block, int64_t count, const float* products,
            const float* bias, bool relu, const Stage& stage, const Places& places, float* dst) {
  const int64_t first = row_block * g.panels_per_block * kTileRows;
  const int64_t rows = least(g.panels_in(row_block) * kTileRows, g.rows - first);
  bool finite = true;
  for (int64_t r = 0; r < rows; ++r) {
    finite &= invert_row<7 - taps>(g, count, products + r * g.tiles_per_block,
                                   bias == nullptr ? 0.0f : bias[first + r], relu, stage, places,
                                   dst + (first + r) * g.dst[0] * g.dst[1]);
  }
  return finite;
}

}  // namespace
}  // namespace striate::cpu
