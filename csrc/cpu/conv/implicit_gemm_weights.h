// The weights of implicit matrix products in panels of a register tile's rows.
#pragma once

#include "cpu/conv/filter_panels.h"
#include "cpu/conv/pixel_panels.h"

namespace striate::cpu {
namespace {

// Where in one filter the weight of a tap lies, or -1 where a stacked phase does not meet it.
STRIATE_INLINE int64_t weight_place(const ImplicitGemmPlan& plan, const ImplicitGemm& g,
                                    const int64_t* phase, const Tap& tap) {
  int64_t place = 0;
  for (int i = 0; i < kSpatial; ++i) {
    int64_t k = g.w_index[i] + tap.at[i] * g.w_step[i];
    if (plan.stacked)
      k = phase[i] + plan.problem.window.pad[i] -
          (g.tap_offset[i] + tap.at[i]) * plan.problem.window.stride[i];
    if (k < 0 || k >= g.kernel[i]) return -1;
    place = place * g.kernel[i] + k;
  }
  return place;
}

template <class T>
inline constexpr bool kPacksFilters = sizeof(T) == 4 && kFilterChannels > 0;

// Whether a block has whole filters, long enough to be transposed.
template <class T>
STRIATE_INLINE bool whole_filters(const ImplicitGemm& g, const DepthBlock& block) {
  return kPacksFilters<T> && block.taps >= 4 && block.taps == g.tap_count() &&
         block.taps == g.kernel[0] * g.kernel[1] * g.kernel[2];
}

// One panel of rows and one block of the depth, [depth][kTileRows], rows beyond the last as zeros.
template <class T>
void pack_rows(const ImplicitGemmPlan& plan, const ImplicitGemm& g, const T* w, int64_t group,
               int64_t row_panel, const DepthBlock& block, T* out) {
  const int64_t first_row = row_panel * kTileRows;
  const int64_t rows = least(kTileRows, g.rows - first_row);
  const int64_t phase_rows = g.rows / (plan.stacked ? plan.phases : 1);
  int64_t row[kTileRows] = {}, phase[kTileRows][kSpatial] = {};
  for (int64_t m = 0; m < rows; ++m) {
    row[m] = (first_row + m) % phase_rows * g.w_row;
    if (plan.stacked) plan.phase_offset((first_row + m) / phase_rows, phase[m]);
  }
  const bool whole = !plan.stacked && rows == kTileRows;
  w += group * g.w_group + block.first_channel * g.w_channel;
  if constexpr (kPacksFilters<T>) {
    if (whole && whole_filters<T>(g, block))
      return pack_filters(w + row[0], g.w_row, g.w_channel, block.channels, block.taps, out);
  }
  for (int64_t t = 0; t < block.taps; ++t) {
    const Tap tap = tap_at(g, block.first_tap + t);
    int64_t place[kTileRows];
    for (int64_t m = 0; m < (whole ? 1 : kTileRows); ++m)
      place[m] = m < rows ? weight_place(plan, g, phase[m], tap) : -1;
    T* to = out + t * kTileRows;
    const int64_t step = block.taps * kTileRows;
    if (whole && g.w_row == 1) {
      const T* from = w + row[0] + place[0];
      for (int64_t c = 0; c < block.channels; ++c, to += step, from += g.w_channel)
        __builtin_memcpy(to, from, kTileRows * sizeof(T));
    } else if (whole) {
      const T* from = w + row[0] + place[0];
      for (int64_t c = 0; c < block.channels; ++c, to += step, from += g.w_channel)
        for (int64_t m = 0; m < kTileRows; ++m) to[m] = from[m * g.w_row];
    } else {
      for (int64_t c = 0; c < block.channels; ++c, to += step)
        for (int64_t m = 0; m < kTileRows; ++m)
          to[m] = place[m] < 0 ? T(0) : w[c * g.w_channel + row[m] + place[m]];
    }
  }
}

// Whole panels [first, end) of rows, each `apart` elements behind the last. Channel by channel,
// along memory.
template <class T>
void pack_whole_panels(const ImplicitGemm& g, const T* w, int64_t first, int64_t end, int64_t apart,
                       const DepthBlock& block, const int64_t* places, T* out) {
  for (int64_t c = 0; c < block.channels; ++c) {
    const T* channel = w + (block.first_channel + c) * g.w_channel;
    for (int64_t r = first; r < end; ++r) {
      const T* from = channel + r * kTileRows * g.w_row;
      T* to = out + (r - first) * apart + c * block.taps * kTileRows;
      if (g.w_row == 1) {
        __builtin_memcpy(to, from + places[0], kTileRows * sizeof(T));
        continue;
      }
      for (int64_t t = 0; t < block.taps; ++t, to += kTileRows)
        for (int64_t m = 0; m < kTileRows; ++m) to[m] = from[m * g.w_row + places[t]];
    }
  }
}

// All weights, [product][group][panel of rows][channel][tap][kTileRows]: a
// layout that depends on the filters and the tile alone.
template <class T>
void pack_weights(const ImplicitGemmPlan& plan, const T* w, T* packed, const Context& context) {
  // Panels whose weights lie side by side, and channels, that one chunk takes.
  constexpr int64_t kPanels = 8, kChannels = 32, kTaps = 64;
  const int64_t panel_blocks = ceil_div(plan.row_panels, kPanels);
  const int64_t channel_blocks = ceil_div(plan.first.channels, kChannels);
  for (int64_t index = 0; index < plan.products; ++index) {
    const ImplicitGemm g = plan.product(index);
    const int64_t elements = g.depth() * kTileRows;
    const int64_t chunks = g.groups * panel_blocks * channel_blocks;
    parallel_for(context, chunks, 0, [&](int64_t chunk, void*) {
      const int64_t group = chunk / channel_blocks / panel_blocks;
      const int64_t first = chunk / channel_blocks % panel_blocks * kPanels;
      const int64_t channel = chunk % channel_blocks * kChannels;
      const DepthBlock block{channel, least(kChannels, g.channels - channel), 0, g.tap_count()};
      T* out = packed + (group * plan.row_panels + first) * elements +
               channel * g.tap_count() * kTileRows;
      const int64_t end = least(first + kPanels, plan.row_panels);
      int64_t r = first;
      if (!plan.stacked && block.taps <= kTaps && !whole_filters<T>(g, block)) {
        int64_t places[kTaps];
        for (int64_t t = 0; t < block.taps; ++t)
          places[t] = weight_place(plan, g, nullptr, tap_at(g, t));
        r = greatest(first, least(end, g.rows / kTileRows));
        pack_whole_panels(g, w + group * g.w_group, first, r, elements, block, places, out);
      }
      for (; r < end; ++r) pack_rows(plan, g, w, group, r, block, out + (r - first) * elements);
    });
    packed += g.groups * plan.row_panels * elements;
  }
}

}  // namespace
}  // namespace striate::cpu
