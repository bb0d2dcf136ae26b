// Whole filters as a panel of a register tile's rows.
#pragma once

#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"
#include "cpu/quads.h"

namespace striate::cpu {
namespace {

// As many channels at a time as their rows fill a vector: 0 where vectors are too short.
inline constexpr int kFilterChannels = Floats::lanes / kTileRows;

// out[channel][tap][kTileRows] from the filters of kTileRows rows, whose taps lie side by side; at
// least four of them.
STRIATE_INLINE void pack_filters(const float* w, int64_t row_step, int64_t channel_step,
                                 int64_t channels, int64_t taps, float* out) {
  int64_t offset[Floats::lanes];
  for (int64_t c = 0; c < channels; c += kFilterChannels) {
    const int64_t live = least(kFilterChannels, channels - c);
    for (int l = 0; l < Floats::lanes; ++l) {
      // Lanes beyond the last row repeat it.
      const int64_t channel = least(l / kTileRows, live - 1);
      offset[l] = channel * channel_step + l % kTileRows * row_step;
    }
    for (int64_t t = 0; t < taps; t += 4) {
      if (t > taps - 4) t = taps - 4;  // the last piece overlaps the one before
      Floats v[4];
      load_rows(w + c * channel_step + t, offset, v);
      transpose_quads(v);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        float lane[Floats::lanes];
        v[i].store(lane);
        for (int64_t k = 0; k < live; ++k)
          __builtin_memcpy(out + ((c + k) * taps + t + i) * kTileRows, lane + k * kTileRows,
                           kTileRows * sizeof(float));
      }
    }
  }
}

}  // namespace
}  // namespace striate::cpu
