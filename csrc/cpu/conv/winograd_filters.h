// The transform of a convolution's filters into Winograd's domain.
#pragma once

#include "core/formula/winograd.h"
#include "core/integer.h"
#include "core/plan/winograd.h"
#include "cpu/gemm/tile.h"
#include "cpu/quads.h"

namespace striate::cpu {
namespace {

template <int taps_>
struct UnitFilter {
  static constexpr int taps = taps_, points = 6;
  static STRIATE_INLINE void transform(const Floats (&g)[taps], Floats (&o)[6]) {
    formula::winograd_weights<taps>(g, o);
  }
};
struct SmallFilter {
  static constexpr int taps = 3, points = 4;
  static STRIATE_INLINE void transform(const Floats (&g)[3], Floats (&o)[4]) {
    formula::winograd_weights(g, o);
  }
};
struct StridedFilter {
  static constexpr int taps = 3, points = 6;
  static STRIATE_INLINE void transform(const Floats (&g)[3], Floats (&o)[6]) {
    formula::winograd_strided_weights(g, o);
  }
};

// G g G^T of the filters at from + offset[l], one for each lane, to out[frequency * plane + lane].
template <class Filter>
STRIATE_INLINE void transform_filters(const float* from, const int64_t* offset, bool flipped,
                                      float* out, int64_t plane, int lanes) {
  constexpr int taps = Filter::taps, points = Filter::points, size = taps * taps;
  // Taps four at a time; the last quad overlaps the one before.
  Floats tap[size];
  const auto place = [&](int t) { return flipped ? size - 1 - t : t; };
#pragma GCC unroll 8
  for (int t = 0; t + 4 <= size; t += 4) {
    Floats quad[4];
    load_rows(from + t, offset, quad);
    transpose_quads(quad);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) tap[place(t + k)] = quad[k];
  }
  Floats quad[4], unused;
  load_rows(from + size - 4, offset, quad);
  transpose_quads_high(quad, &unused, &tap[place(size - 1)]);

  Floats half[points][taps];
#pragma GCC unroll 5
  for (int j = 0; j < taps; ++j) {
    Floats column[taps], o[points];
#pragma GCC unroll 5
    for (int i = 0; i < taps; ++i) column[i] = tap[i * taps + j];
    Filter::transform(column, o);
#pragma GCC unroll 6
    for (int i = 0; i < points; ++i) half[i][j] = o[i];
  }
  for (int i = 0; i < points; ++i) {
    Floats o[points];
    Filter::transform(half[i], o);
#pragma GCC unroll 6
    for (int j = 0; j < points; ++j) o[j].store(out + (i * points + j) * plane, lanes);
  }
}

// The filter of one phase of a window, back to back; zero beyond the window.
STRIATE_INLINE void collect_phase(const Winograd& g, const float* w, int64_t phase, float* out) {
  const int64_t top = phase / g.phases, left = phase % g.phases;
  for (int i = 0; i < g.taps; ++i) {
    const int64_t row = top + i * g.phases;
    for (int j = 0; j < g.taps; ++j) {
      const int64_t column = left + j * g.phases;
      const bool inside = row < g.kernel[0] && column < g.kernel[1];
      *out++ = inside ? w[row * g.kernel[1] + column] : 0.0f;
    }
  }
}

// A row block's filters for some channels, as [frequency][row panel][channel][row] with frequencies
// `plane` apart; rows beyond the last repeat it.
template <class Filter>
STRIATE_INLINE void transform_weights(const Winograd& g, const float* w, int64_t row_block,
                                      int64_t first_channel, int64_t channels, float* out,
                                      int64_t plane) {
  const int64_t panels = g.panels_in(row_block);
  const int64_t first_row = row_block * g.panels_per_block * kTileRows;
  const int64_t elements = channels * kTileRows;                       // of a panel
  const int64_t left = g.rows - first_row - (panels - 1) * kTileRows;  // in the last panel
  const int64_t phases = g.phases * g.phases;
  // A whole vector of whole columns: the same places each time.
  constexpr bool kEven = Floats::lanes % kTileRows == 0;
  int64_t even[Floats::lanes];
  for (int l = 0; l < Floats::lanes; ++l)
    even[l] = l / kTileRows * g.w_channel + l % kTileRows * g.w_row;
  const auto vector = [&](int64_t panel, int64_t e) {
    constexpr int size = Filter::taps * Filter::taps;
    const int64_t last = (panel + 1 < panels ? kTileRows : left) - 1;
    const float* from = w + (first_row + panel * kTileRows) * g.w_row;
    float* to = out + panel * elements + e;
    const int lanes = static_cast<int>(least(Floats::lanes, elements - e));
    int64_t offset[Floats::lanes];
    const auto element = [=](int l) { return least(e + l, elements - 1); };
    const auto row = [=](int64_t at) { return least(at % kTileRows, last) * g.w_row; };
    if (kEven && phases == 1 && last == kTileRows - 1 && lanes == Floats::lanes)
      return transform_filters<Filter>(from + (first_channel + e / kTileRows) * g.w_channel, even,
                                       g.flipped, to, plane, lanes);
    if (phases == 1) {
      for (int l = 0; l < Floats::lanes; ++l)
        offset[l] = (first_channel + element(l) / kTileRows) * g.w_channel + row(element(l));
      return transform_filters<Filter>(from, offset, g.flipped, to, plane, lanes);
    }
    float phase[Floats::lanes * size];
    for (int l = 0; l < Floats::lanes; ++l) {
      const int64_t channel = first_channel + element(l) / kTileRows;
      collect_phase(g, from + channel / phases * g.w_channel + row(element(l)), channel % phases,
                    phase + l * size);
      offset[l] = l * size;
    }
    transform_filters<Filter>(phase, offset, g.flipped, to, plane, lanes);
  };
  // Along the filters as they lie in memory: a row's channels, or a channel's rows.
  if (g.flipped) {
    for (int64_t e = 0; e < elements; e += Floats::lanes)
      for (int64_t p = 0; p < panels; ++p) vector(p, e);
  } else {
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t e = 0; e < elements; e += Floats::lanes) vector(p, e);
  }
}

}  // namespace
}  // namespace striate::cpu
