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

// The weights of one panel of rows and one block of the depth.
template <class T>
struct RowPanel {
  const T* a;
  Strides strides;
  int64_t channel;  // from one channel to the next, for FiltersTogether; else 0
};

// As they lie, if a tile can read them so: it reads all of its rows, so these must exist.
template <class T>
STRIATE_INLINE bool find_rows(const ImplicitGemmPlan& plan, const ImplicitGemm& g, const T* w,
                              int64_t group, int64_t row_panel, const DepthBlock& block, int live,
                              RowPanel<T>* panel) {
  const int64_t taps = g.kernel[0] * g.kernel[1] * g.kernel[2];
  const T* a = w + group * g.w_group + row_panel * kTileRows * g.w_row +
               block.first_channel * g.w_channel + block.first_tap;
  if (!plan.gradient && (live == kTileRows || live == 4 || live <= 2)) {
    *panel = {a, {1, g.w_row}, 0};
    return true;
  }
  if (!plan.gradient || plan.stacked || live < kTileRows || block.taps < taps) return false;
  // Whole filters.
  *panel = taps == 1 ? RowPanel<T>{a, {g.w_channel, 1}, 0} : RowPanel<T>{a, {1, taps}, g.w_channel};
  return true;
}

// Panels [first, end) of rows of one block of the depth, each `apart` elements behind the last. A
// gradient's, whose rows lie side by side, channel by channel: their lines are asked for.
template <class T>
void pack_panels(const ImplicitGemmPlan& plan, const ImplicitGemm& g, const T* w, int64_t group,
                 int64_t first, int64_t end, int64_t apart, const DepthBlock& block, T* out) {
  constexpr int64_t kTaps = 64, kLine = 64 / sizeof(T), kLinesAhead = 48;
  const bool filters = whole_filters<T>(g, block);
  int64_t r = first;
  if (plan.gradient && !plan.stacked && (filters || block.taps <= kTaps)) {
    r = greatest(first, least(end, g.rows / kTileRows));
    int64_t places[kTaps];
    for (int64_t t = 0; t < (filters ? 0 : block.taps); ++t)
      places[t] = weight_place(plan, g, nullptr, tap_at(g, block.first_tap + t));
    const int64_t span = (r - first) * kTileRows * g.w_row;  // of one channel
    const int64_t ahead = greatest(1, kLinesAhead * kLine / greatest(1, span)) * g.w_channel;
    const int64_t together = filters ? greatest(1, kFilterChannels) : 1;
    const T* from =
        w + group * g.w_group + block.first_channel * g.w_channel + first * kTileRows * g.w_row;
    for (int64_t c = 0; c < block.channels; c += together) {
      const int64_t channels = least(together, block.channels - c);
      const T* channel = from + c * g.w_channel;
      for (int64_t k = 0; k < channels; ++k)
        for (int64_t i = 0; i < span; i += kLine)
          __builtin_prefetch(channel + k * g.w_channel + ahead + i);
      for (int64_t p = 0; p < r - first; ++p, channel += kTileRows * g.w_row) {
        T* to = out + p * apart + c * block.taps * kTileRows;
        if constexpr (kPacksFilters<T>) {
          if (filters) {
            pack_filters(channel, g.w_row, g.w_channel, channels, block.taps, to);
            continue;
          }
        }
        if (g.w_row == 1) {
          __builtin_memcpy(to, channel + places[0], kTileRows * sizeof(T));
          continue;
        }
        for (int64_t t = 0; t < block.taps; ++t, to += kTileRows)
          for (int64_t m = 0; m < kTileRows; ++m) to[m] = channel[m * g.w_row + places[t]];
      }
    }
  }
  for (; r < end; ++r) pack_rows(plan, g, w, group, r, block, out + (r - first) * apart);
}

// All weights, [product][group][panel of rows][channel][tap][kTileRows]: a
// layout that depends on the filters and the tile alone.
template <class T>
void pack_weights(const ImplicitGemmPlan& plan, const T* w, T* packed, const Context& context) {
  // Panels whose weights lie side by side, and channels, that one chunk takes.
  constexpr int64_t kPanels = 8, kChannels = 32;
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
      pack_panels(plan, g, w, group, first, least(first + kPanels, plan.row_panels), elements,
                  block,
                  packed + (group * plan.row_panels + first) * elements +
                      channel * g.tap_count() * kTileRows);
    });
    packed += g.groups * plan.row_panels * elements;
  }
}

}  // namespace
}  // namespace striate::cpu
