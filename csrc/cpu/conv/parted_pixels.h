// Gathered pixels where the window moves by two: a channel's rows are parted into even and odd rows
// and columns first, each part with rows as long as the grid's. What a tap sees of consecutive
// pixels of the grid, of any rows and samples, is then consecutive as well, but for the lanes whose
// tap lies in the padding. Those are the same for every channel.
#pragma once

#include "cpu/conv/pixel_panels.h"
#include "cpu/simd/interleave.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu {
namespace {

// Rows of the grid that a block's taps see, numbered through the samples, and where one tap's
// pixels lie in the parts.
struct PartedRows {
  int64_t first, end;
  bool needed[2];  // even and odd ones of the source

  int64_t part_size(const ImplicitGemm& g, int64_t lanes) const {
    return (end - first) * g.grid[2] + lanes;
  }
};

struct PartedTap {
  int64_t part[2];   // row and column of the source modulo 2
  int64_t shift[2];  // and the whole part, in rows and columns of the grid
};

STRIATE_INLINE PartedTap parted_tap(const ImplicitGemm& g, int64_t index) {
  const Tap tap = tap_at(g, index);
  PartedTap parted;
  for (int i = 0; i < 2; ++i) {
    const int64_t offset = g.tap_offset[i + 1] + tap.at[i + 1];
    parted.shift[i] = floor_div(offset, 2);
    parted.part[i] = offset - 2 * parted.shift[i];
  }
  return parted;
}

template <class T>
PartedRows find_parted_rows(const ImplicitGemm& g, const Panel<T>* panels, int64_t count,
                            const DepthBlock& block) {
  const Run& first = panels[0].run[0];
  const Run& last = panels[count - 1].run[panels[count - 1].runs - 1];
  const auto row = [&](const Run& run) { return run.sample * g.grid[1] + run.at[1]; };
  PartedRows rows{};
  int64_t lowest = INT64_MAX, highest = INT64_MIN;
  for (int64_t t = 0; t < block.taps; ++t) {
    const PartedTap tap = parted_tap(g, block.first_tap + t);
    lowest = least(lowest, tap.shift[0]);
    highest = greatest(highest, tap.shift[0]);
    rows.needed[tap.part[0]] = true;
  }
  rows.first = greatest(0, row(first) + lowest);
  rows.end = greatest(rows.first, least(g.batch * g.grid[1], row(last) + highest + 1));
  return rows;
}

// The lanes of each vector of a panel whose tap lies inside the source.
template <class T>
void find_parted_lanes(const ImplicitGemm& g, const Panel<T>& panel, const PartedTap& tap,
                       LaneSet<T>* lanes) {
  for (int v = 0; v < kTileVectors; ++v) lanes[v] = LaneSet<T>();
  for (int r = 0; r < panel.runs; ++r) {
    const Run& run = panel.run[r];
    const int64_t row = 2 * (run.at[1] + tap.shift[0]) + tap.part[0];
    if (row < 0 || row >= g.src[1]) continue;
    const int64_t column = run.at[2] + tap.shift[1];
    const int64_t columns = ceil_div(g.src[2] - tap.part[1], 2);
    const int64_t begin = run.lane + greatest(0, -column);
    const int64_t end = run.lane + least(run.length, columns - column);
    for (int v = 0; v < kTileVectors; ++v)
      if (begin < end)
        lanes[v] = lanes[v] | LaneSet<T>::range(begin - v * Vec<T>::lanes, end - v * Vec<T>::lanes);
  }
}

// One channel's rows, [row part][column part][row][column]. What is written beyond a row's end is
// the next one's, or room.
template <class T>
STRIATE_INLINE void part_channel(const ImplicitGemm& g, const PartedRows& rows, const T* src,
                                 int64_t ahead, T* parts) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t size = rows.part_size(g, lanes);
  const int64_t sample_step = g.groups * g.channels * g.src[1] * g.src[2];
  int64_t sample = rows.first / g.grid[1], y = rows.first % g.grid[1];
  for (int64_t r = 0; r < rows.end - rows.first; ++r) {
    for (int i = 0; i < 2; ++i) {
      const int64_t row = 2 * y + i;
      if (row >= g.src[1] || !rows.needed[i]) continue;
      const T* from = src + sample * sample_step + row * g.src[2];
      for (int64_t x = 0; x < g.src[2]; x += 64 / static_cast<int64_t>(sizeof(T)))
        __builtin_prefetch(from + ahead + x);
      T* to = parts + 2 * i * size + r * g.grid[2];
      for (int64_t x = 0; x < g.src[2]; x += 2 * lanes, to += lanes) {
        const int64_t rest = g.src[2] - x;
        const auto low = Vec<T>::load(from + x, static_cast<int>(least(rest, lanes)));
        const auto high =
            rest <= lanes
                ? Vec<T>::zero()
                : Vec<T>::load(from + x + lanes, static_cast<int>(least(rest - lanes, lanes)));
        take_even(low, high).store(to);
        take_odd(low, high).store(to + size);
      }
    }
    if (++y == g.grid[1]) {
      y = 0;
      ++sample;
    }
  }
}

// As gather_pixels does. `found` has room for a set of lanes for each panel, tap and vector, and
// `parts` for one channel.
template <class T>
void gather_parted(const ImplicitGemm& g, const Panel<T>* panels, int64_t count,
                   const DepthBlock& block, const T* src, LaneSet<T>* found, T* parts, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int64_t kAhead = 4;
  const PartedRows rows = find_parted_rows(g, panels, count, block);
  int64_t start[kMostPartedTaps];  // of the grid's first pixel in the parts, as the tap sees it
  for (int64_t t = 0; t < block.taps; ++t) {
    const PartedTap tap = parted_tap(g, block.first_tap + t);
    start[t] = (2 * tap.part[0] + tap.part[1]) * rows.part_size(g, lanes) +
               (tap.shift[0] - rows.first) * g.grid[2] + tap.shift[1];
    for (int64_t p = 0; p < count; ++p)
      find_parted_lanes(g, panels[p], tap, found + (p * block.taps + t) * kTileVectors);
  }
  const int64_t plane = g.src[1] * g.src[2];
  for (int64_t c = 0; c < block.channels; ++c) {
    const int64_t channel = block.first_channel + c;
    part_channel(g, rows, src + channel * plane, least(kAhead, g.channels - 1 - channel) * plane,
                 parts);
    for (int64_t p = 0; p < count; ++p) {
      const Run& run = panels[p].run[0];
      const int64_t pixel = (run.sample * g.grid[1] + run.at[1]) * g.grid[2] + run.at[2];
      const LaneSet<T>* live = found + p * block.taps * kTileVectors;
      T* to = out + (p * block.channels + c) * block.taps * kTileColumns<T>;
      for (int64_t t = 0; t < block.taps; ++t, to += kTileColumns<T>, live += kTileVectors)
        for (int v = 0; v < panels[p].vectors; ++v)
          live[v].load(parts + (start[t] + pixel + v * lanes)).store(to + v * lanes);
    }
  }
}

}  // namespace
}  // namespace striate::cpu
