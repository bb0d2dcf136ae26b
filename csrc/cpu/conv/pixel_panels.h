// Panels of pixels: where their results go, and what gathered ones see of the source.
#pragma once

#include "core/formula/activation.h"
#include "core/plan/implicit_gemm_plan.h"
#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

// Consecutive pixels on one row of the grid.
struct Run {
  int lane;
  int length;
  int64_t sample;
  int64_t at[kSpatial];  // of the first
};

// Consecutive pixels that also lie side by side in the result.
struct Segment {
  int lane;
  int length;
  int64_t offset;
};

template <class T>
struct Panel {
  int64_t start;  // its first pixel in the block, or in the patch
  int64_t sums;   // the same in sums that are kept apart
  int vectors;
  int runs;
  int segments;
  Run run[kTileColumns<T>];
  Segment segment[kTileColumns<T>];
  int64_t lines[kTileVectors + 1];  // where its vectors begin in the result, and where it ends
};

// Once all segments are there.
template <class T>
void find_lines(Panel<T>& panel) {
  for (int v = 0; v <= kTileVectors; ++v) panel.lines[v] = 0;
  for (int s = 0; s < panel.segments; ++s) {
    const Segment& segment = panel.segment[s];
    for (int v = 0; v <= kTileVectors; ++v) {
      const int64_t lane = v * Vec<T>::lanes - segment.lane;
      if (s == 0 || lane >= 0) panel.lines[v] = segment.offset + least(lane, segment.length - 1);
    }
  }
}

template <class T>
void add_run(const ImplicitGemm& g, const Run& run, Panel<T>& panel) {
  panel.run[panel.runs++] = run;
  if (g.dst_stride[2] != 1) return;  // written from sums
  const int64_t offset = run.sample * g.groups * g.rows * g.dst[0] * g.dst[1] * g.dst[2] +
                         (run.at[0] * g.dst[1] + run.at[1]) * g.dst[2] + run.at[2];
  if (panel.segments > 0) {
    Segment& last = panel.segment[panel.segments - 1];
    if (last.lane + last.length == run.lane && last.offset + last.length == offset) {
      last.length += run.length;
      return;
    }
  }
  panel.segment[panel.segments++] = {run.lane, run.length, offset};
}

// Lanes first to end of the pixels of the whole batch.
template <class T>
void describe_gathered(const ImplicitGemm& g, int64_t first, int64_t end, Panel<T>& panel) {
  const int64_t grid = g.grid_size();
  panel.runs = panel.segments = 0;
  for (int64_t pixel = first; pixel < end;) {
    Run run;
    run.lane = static_cast<int>(pixel - first);
    run.sample = pixel / grid;
    const int64_t within = pixel % grid;
    run.at[2] = within % g.grid[2];
    run.at[1] = within / g.grid[2] % g.grid[1];
    run.at[0] = within / g.grid[2] / g.grid[1];
    run.length = static_cast<int>(least(g.grid[2] - run.at[2], end - pixel));
    add_run(g, run, panel);
    pixel += run.length;
  }
  find_lines(panel);
}

// Lanes first to end of a block of rows, `pitch` lanes from one row to the next.
template <class T>
void describe_shifted(const ImplicitGemm& g, int64_t sample, int64_t depth, int64_t row,
                      int64_t pitch, int64_t first, int64_t end, Panel<T>& panel) {
  panel.runs = panel.segments = 0;
  for (int64_t r = first / pitch; r * pitch < end; ++r) {
    const int64_t begin = greatest(first, r * pitch);
    const int64_t stop = least(end, r * pitch + g.grid[2]);
    if (stop <= begin) continue;
    Run run;
    run.lane = static_cast<int>(begin - first);
    run.length = static_cast<int>(stop - begin);
    run.sample = sample;
    run.at[0] = depth;
    run.at[1] = row + r;
    run.at[2] = begin - r * pitch;
    add_run(g, run, panel);
  }
  find_lines(panel);
}

struct DepthBlock {
  int64_t first_channel, channels;
  int64_t first_tap, taps;
  int64_t depth() const { return channels * taps; }
};

struct Tap {
  int64_t at[kSpatial];
};

STRIATE_INLINE Tap tap_at(const ImplicitGemm& g, int64_t index) {
  return {{index / g.taps[2] / g.taps[1], index / g.taps[2] % g.taps[1], index % g.taps[2]}};
}

// Lanes of a panel that one tap finds inside the source, `stride` apart in it.
struct Piece {
  int lane;
  int length;
  int64_t offset;
};

template <class T>
constexpr int64_t max_pieces(const ImplicitGemm& g) {
  return least(kTileColumns<T>, kTileColumns<T> / greatest(1, g.grid[2]) + 2);
}

template <class T>
int find_pieces(const ImplicitGemm& g, const Panel<T>& panel, int64_t tap_index, Piece* pieces) {
  const Tap tap = tap_at(g, tap_index);
  const int64_t plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t stride = g.src_stride[2];
  int count = 0;
  for (int r = 0; r < panel.runs; ++r) {
    const Run& run = panel.run[r];
    int64_t at[kSpatial];
    for (int i = 0; i < kSpatial; ++i)
      at[i] = run.at[i] * g.src_stride[i] + g.tap_offset[i] + tap.at[i] * g.tap_step[i];
    if (at[0] < 0 || at[0] >= g.src[0] || at[1] < 0 || at[1] >= g.src[1]) continue;
    const int64_t first = at[2] < 0 ? ceil_div(-at[2], stride) : 0;
    const int64_t end = at[2] < g.src[2] ? ceil_div(g.src[2] - at[2], stride) : 0;
    const int length = static_cast<int>(least(end, run.length) - first);
    if (length <= 0) continue;
    const Piece piece = {run.lane + static_cast<int>(first), length,
                         run.sample * g.groups * g.channels * plane +
                             (at[0] * g.src[1] + at[1]) * g.src[2] + at[2] + first * stride};
    Piece* last = count > 0 ? &pieces[count - 1] : nullptr;
    if (last != nullptr && last->lane + last->length == piece.lane &&
        last->offset + last->length * stride == piece.offset)
      last->length += length;
    else
      pieces[count++] = piece;
  }
  return count;
}

struct Found {
  Piece* pieces;  // [panel][tap][max_pieces]
  int* counts;    // [panel][tap]; -1 - count where lanes are left that no piece covers
};

// Copies `length` values, `stride` apart, to consecutive ones; may write zeros up to a vector's
// end, but not beyond `room` values where that is not negative.
template <class T, bool masked, int known_stride>
STRIATE_INLINE void copy_piece(const T* from, const T* mask, int64_t any_stride, int length, T* to,
                               int room) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t stride = known_stride > 0 ? known_stride : any_stride;
  const auto load = [=](const T* p, int i, int n) {
    if (known_stride == 1 && n == lanes) return Vec<T>::load(p + i);
    return Vec<T>::load_strided(p + i * stride, stride, n);
  };
  for (int i = 0; i < length; i += lanes) {
    const int n = length - i < lanes ? length - i : lanes;
    Vec<T> v = load(from, i, n);
    if constexpr (masked) v = formula::relu_grad(v, load(mask, i, n));
    if (room < 0 || i + lanes <= room)
      v.store(to + i);
    else
      v.store(to + i, n);
  }
}

// What the panels' pixels see of the block's channels and taps, [panel][channel][tap]
// [kTileColumns]. Pieces are written in order of their lanes and a panel's rows in order of the
// depth, so what a piece writes beyond its end is always overwritten.
template <class T, bool masked, int known_stride>
void gather_pixels(const ImplicitGemm& g, const Panel<T>* panels, int64_t panel_count,
                   const DepthBlock& block, const T* src, const T* mask, const Found& found,
                   T* out) {
  constexpr int64_t kAhead = 4, kLine = 64 / sizeof(T);
  const int64_t most = max_pieces<T>(g);
  const int64_t plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t stride = g.src_stride[2];
  for (int64_t p = 0; p < panel_count; ++p) {
    for (int64_t t = 0; t < block.taps; ++t) {
      Piece* pieces = found.pieces + (p * block.taps + t) * most;
      const int count = find_pieces(g, panels[p], block.first_tap + t, pieces);
      int next = 0;  // the lane up to which pieces follow each other without a gap
      for (int i = 0; i < count && pieces[i].lane == next; ++i) next += pieces[i].length;
      const bool full = next >= panels[p].vectors * Vec<T>::lanes;
      found.counts[p * block.taps + t] = full ? count : -1 - count;
    }
  }
  // Channels last: what the panels see of one lies side by side.
  for (int64_t c = 0; c < block.channels; ++c) {
    const int64_t channel = (block.first_channel + c) * plane;
    for (int64_t p = 0; p < panel_count; ++p) {
      T* to = out + (p * block.channels + c) * block.taps * kTileColumns<T>;
      int64_t asked = 0;  // once for each row of taps
      for (int64_t t = 0; t < block.taps; ++t, to += kTileColumns<T>) {
        const Piece* pieces = found.pieces + (p * block.taps + t) * most;
        int count = found.counts[p * block.taps + t];
        // The row behind is another panel's if this is the last.
        const bool last = c + 1 == block.channels && t + 1 == block.taps;
        if (count < 0) {
          for (int v = 0; v < kTileVectors; ++v) Vec<T>::zero().store(to + v * Vec<T>::lanes);
          count = -1 - count;
        }
        // Planes lie too far apart for the processor to see what comes next.
        const bool ahead = asked == 0 && block.first_channel + c + kAhead < g.channels;
        if (++asked == g.taps[2]) asked = 0;
        for (int i = 0; i < count; ++i) {
          const int64_t offset = channel + pieces[i].offset;
          if (ahead)
            for (int64_t j = 0; j < pieces[i].length * stride; j += kLine)
              __builtin_prefetch(src + offset + kAhead * plane + j);
          copy_piece<T, masked, known_stride>(src + offset, masked ? mask + offset : nullptr,
                                              stride, pieces[i].length, to + pieces[i].lane,
                                              last ? kTileColumns<T> - pieces[i].lane : -1);
        }
      }
    }
  }
}

template <class T>
void gather_pixels(const ImplicitGemm& g, const Panel<T>* panels, int64_t count,
                   const DepthBlock& block, const T* src, const T* mask, const Found& found,
                   T* out) {
  const int64_t stride = g.src_stride[2];
  const auto gather = mask != nullptr
                          ? (stride == 1 ? gather_pixels<T, true, 1> : gather_pixels<T, true, 0>)
                      : stride == 1 ? gather_pixels<T, false, 1>
                      : stride == 2 ? gather_pixels<T, false, 2>
                                    : gather_pixels<T, false, 0>;
  gather(g, panels, count, block, src, mask, found, out);
}

}  // namespace
}  // namespace striate::cpu
