// What Winograd's filtering with channels as lanes shares among its directions: units (bands of
// rows of tiles of one sample), staged as one vector of channels a pixel, and their transform,
// which then needs no shuffles.
#pragma once

#include "core/formula/winograd.h"
#include "core/plan/winograd_lanes.h"
#include "cpu/conv/lane_planes.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu {
namespace {

struct Unit {
  int64_t sample;
  int64_t first_row, end_row;  // of tiles

  Unit(const WinogradLanes& g, int64_t index)
      : sample(index / g.bands),
        first_row(index % g.bands * g.band),
        end_row(least(first_row + g.band, g.tiles[0])) {}
  int64_t tiles(const WinogradLanes& g) const { return (end_row - first_row) * g.tiles[1]; }
};

// B^T d B of a tile that begins at `from`, in rows of `pitch`, to out[frequency * plane].
STRIATE_INLINE void transform_tile(const float* from, int64_t pitch, float* out, int64_t plane) {
  constexpr int lanes = Floats::lanes;
  Floats half[6][6];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) {
    Floats d[6], o[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) d[i] = Floats::load(from + i * pitch + j * lanes);
    formula::winograd_input(d, o);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) half[i][j] = o[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    Floats o[6];
    formula::winograd_input(half[i], o);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) o[j].store(out + (i * 6 + j) * plane);
  }
}

// The pixels that a unit sees, of one vector of a block's channels.
STRIATE_INLINE void stage_unit(const WinogradLanes& g, int64_t block, int64_t vector,
                               const Unit& unit, const float* src, const float* mask,
                               float* stage) {
  const int64_t plane = g.src[0] * g.src[1];
  const int64_t start = (unit.sample * g.groups + block * g.members) * g.channels * plane;
  stage_planes(LanePlanes<float>(vector, g.groups_in(block) * g.channels, plane), g.src,
               src + start, mask == nullptr ? nullptr : mask + start,
               Reach{g.origin[0] + 4 * unit.first_row, g.origin[0] + 4 * unit.end_row + 2},
               g.columns(), stage);
}

}  // namespace
}  // namespace striate::cpu
