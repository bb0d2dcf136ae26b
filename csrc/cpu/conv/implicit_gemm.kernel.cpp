// Convolution as a matrix product whose right-hand matrix is never stored whole. The pixels of the
// result are cut into panels of one register tile's columns. A task takes a block of panels and,
// for one block of the depth (channels times taps) after another, gathers what those pixels see of
// the source into a packed piece that fits the core's own cache, then multiplies all rows of the
// weights with it; these are packed once for the whole call, or, to do without a workspace, again
// by each task. Padding, stride and dilation live in the gathering alone; the phases of a strided
// input gradient differ only in where they read and write.
#include "core/plan/implicit_gemm.h"

#include "core/formula/activation.h"
#include "cpu/conv/implicit_gemm.h"
#include "cpu/gemm/tile.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Consecutive pixels on one row of the grid.
struct Run {
  int lane;
  int length;
  int64_t sample;
  int64_t at[kSpatial];  // of the first
};

// Consecutive pixels of the result, dst_stride apart.
struct Segment {
  int lane;
  int length;
  int64_t offset;
};

template <class T>
struct Panel {
  int lanes;
  int runs;
  int segments;
  Run run[kTileColumns<T>];
  Segment segment[kTileColumns<T>];
};

template <class T>
void describe_panel(const ImplicitGemm& g, int64_t index, Panel<T>& panel) {
  const int64_t grid = g.grid_size();
  int64_t pixel = index * kTileColumns<T>;
  const int64_t left = g.batch * grid - pixel;
  panel.lanes = static_cast<int>(left < kTileColumns<T> ? left : kTileColumns<T>);
  panel.runs = panel.segments = 0;
  const int64_t plane = g.dst[0] * g.dst[1] * g.dst[2];
  for (int lane = 0; lane < panel.lanes;) {
    Run& run = panel.run[panel.runs++];
    run.lane = lane;
    run.sample = pixel / grid;
    const int64_t within = pixel % grid;
    run.at[2] = within % g.grid[2];
    run.at[1] = within / g.grid[2] % g.grid[1];
    run.at[0] = within / g.grid[2] / g.grid[1];
    const int64_t rest = g.grid[2] - run.at[2];
    run.length = static_cast<int>(rest < panel.lanes - lane ? rest : panel.lanes - lane);
    int64_t place[kSpatial];
    for (int i = 0; i < kSpatial; ++i) place[i] = run.at[i] * g.dst_stride[i] + g.dst_offset[i];
    const int64_t offset = run.sample * g.groups * g.rows * plane +
                           (place[0] * g.dst[1] + place[1]) * g.dst[2] + place[2];
    Segment* last = panel.segments > 0 ? &panel.segment[panel.segments - 1] : nullptr;
    if (last != nullptr && g.dst_stride[2] == 1 && last->offset + last->length == offset)
      last->length += run.length;
    else
      panel.segment[panel.segments++] = {lane, run.length, offset};
    lane += run.length;
    pixel += run.length;
  }
}

struct DepthBlock {
  int64_t first_channel, channels;
  int64_t first_tap, taps;
  int64_t depth() const { return channels * taps; }
};

// Calls body(block) for each block of the depth, in the order in which weights are packed.
template <class Body>
STRIATE_INLINE void for_each_depth_block(const ImplicitGemm& g, const Body& body) {
  const int64_t taps = g.tap_count();
  for (int64_t c = 0; c < g.channels; c += g.channels_per_block) {
    const int64_t channels =
        g.channels - c < g.channels_per_block ? g.channels - c : g.channels_per_block;
    for (int64_t t = 0; t < taps; t += g.taps_per_block)
      body(DepthBlock{c, channels, t, taps - t < g.taps_per_block ? taps - t : g.taps_per_block});
  }
}

struct Tap {
  int64_t at[kSpatial];
};

STRIATE_INLINE Tap tap_at(const ImplicitGemm& g, int64_t index) {
  return {{index / g.taps[2] / g.taps[1], index / g.taps[2] % g.taps[1], index % g.taps[2]}};
}

// One panel of rows and one block of the depth, [depth][kTileRows], rows beyond the last as zeros.
template <class T>
void pack_rows(const ImplicitGemm& g, const T* w, int64_t group, int64_t row_panel,
               const DepthBlock& block, T* out) {
  const int64_t first_row = row_panel * kTileRows;
  const int64_t rows = g.rows - first_row < kTileRows ? g.rows - first_row : kTileRows;
  w += group * g.w_group + first_row * g.w_row;
  for (int64_t t = block.first_tap; t < block.first_tap + block.taps; ++t) {
    const Tap tap = tap_at(g, t);
    int64_t at[kSpatial];
    for (int i = 0; i < kSpatial; ++i) at[i] = g.w_index[i] + tap.at[i] * g.w_step[i];
    const T* from = w + (at[0] * g.kernel[1] + at[1]) * g.kernel[2] + at[2];
    for (int64_t c = block.first_channel; c < block.first_channel + block.channels; ++c) {
      const T* column = from + c * g.w_channel;
      for (int64_t m = 0; m < kTileRows; ++m) out[m] = m < rows ? column[m * g.w_row] : T(0);
      out += kTileRows;
    }
  }
}

// All of the weights, [group][panel of rows][depth][kTileRows].
template <class T>
void pack_weights(const ImplicitGemm& g, const T* w, T* packed, const Context& context) {
  const int64_t weight_panels = g.groups * g.row_panels;
  // Small panels go several to a chunk.
  const int64_t elements = g.depth() * kTileRows;
  const int64_t together = elements > 8192 ? 1 : ceil_div(8192, elements + 1);
  parallel_for(context, ceil_div(weight_panels, together), 0, [&](int64_t chunk, void*) {
    for (int64_t i = chunk * together; i < (chunk + 1) * together && i < weight_panels; ++i) {
      T* out = packed + i * elements;
      for_each_depth_block(g, [&](const DepthBlock& block) {
        pack_rows(g, w, i / g.row_panels, i % g.row_panels, block, out);
        out += block.depth() * kTileRows;
      });
    }
  });
}

// Lanes of a panel that one tap finds inside the source, side by side in it.
struct Piece {
  int lane;
  int length;
  int64_t offset;
};

// Copies `length` values, `stride` apart, to consecutive ones; may write zeros up to a vector's
// end.
template <class T, bool masked>
STRIATE_INLINE void copy_piece(const T* from, const T* mask, int64_t stride, int length, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  for (int i = 0; i < length; i += lanes) {
    const int n = length - i < lanes ? length - i : lanes;
    Vec<T> v = stride == 1 ? Vec<T>::load(from + i, n)
                           : Vec<T>::load_strided(from + i * stride, stride, n);
    if constexpr (masked) {
      const Vec<T> y = stride == 1 ? Vec<T>::load(mask + i, n)
                                   : Vec<T>::load_strided(mask + i * stride, stride, n);
      v = formula::relu_grad(v, y);
    }
    v.store(to + i);
  }
}

// What the panel's pixels see of the block's channels and taps, [depth][kTileColumns]. Pieces are
// written in order of their lanes and rows in order of the depth, so what a piece writes beyond its
// end is always overwritten; the caller leaves a vector's room behind the last row.
template <class T, bool masked>
void pack_pixels(const ImplicitGemm& g, const Panel<T>& panel, const DepthBlock& block,
                 const T* src, const T* mask, T* out) {
  constexpr int columns = kTileColumns<T>;
  const int64_t plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t stride = g.src_stride[2];
  Piece pieces[columns];
  for (int64_t t = block.first_tap; t < block.first_tap + block.taps; ++t) {
    const Tap tap = tap_at(g, t);
    int count = 0;
    int covered = 0;
    for (int r = 0; r < panel.runs; ++r) {
      const Run& run = panel.run[r];
      int64_t at[kSpatial];
      for (int i = 0; i < kSpatial; ++i)
        at[i] = run.at[i] * g.src_stride[i] + g.tap_offset[i] + tap.at[i] * g.tap_step[i];
      if (at[0] < 0 || at[0] >= g.src[0] || at[1] < 0 || at[1] >= g.src[1]) continue;
      const int64_t first = at[2] < 0 ? ceil_div(-at[2], stride) : 0;
      const int64_t end = at[2] < g.src[2] ? ceil_div(g.src[2] - at[2], stride) : 0;
      const int64_t length = (end < run.length ? end : run.length) - first;
      if (length <= 0) continue;
      pieces[count++] = {run.lane + static_cast<int>(first), static_cast<int>(length),
                         run.sample * g.groups * g.channels * plane +
                             (at[0] * g.src[1] + at[1]) * g.src[2] + at[2] + first * stride};
      covered += static_cast<int>(length);
    }
    for (int64_t c = block.first_channel; c < block.first_channel + block.channels; ++c) {
      if (covered < columns)
        for (int v = 0; v < kTileVectors; ++v) Vec<T>::zero().store(out + v * Vec<T>::lanes);
      for (int i = 0; i < count; ++i) {
        const int64_t offset = c * plane + pieces[i].offset;
        copy_piece<T, masked>(src + offset, masked ? mask + offset : nullptr, stride,
                              pieces[i].length, out + pieces[i].lane);
      }
      out += columns;
    }
  }
}

// How a tile joins the result.
template <class T>
struct Epilogue {
  const T* bias;  // of the tile's first row, or null
  bool first;     // the first block of the depth: overwrite, and add the bias
  bool relu;      // the last block: apply the activation
  int64_t plane;  // elements from one row of the result to the next
  int64_t step;   // elements from one pixel of a segment to the next
};

template <class T>
STRIATE_INLINE void join(Vec<T> sum, T* to, int n, const Epilogue<T>& e) {
  if (!e.first) sum = Vec<T>::load(to, n) + sum;
  if (e.relu) sum = formula::relu(sum);
  sum.store(to, n);
}

// Not inlined: what surrounds it must not take registers from the sums.
template <class T, int rows, int vectors>
__attribute__((noinline)) void tile(int64_t depth, const T* a, const T* b, int live_rows,
                                    const Panel<T>& panel, T* dst, const Epilogue<T>& e) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[rows][vectors];
  multiply_tile<T, rows, vectors>(depth, a, PackedRows{}, b, kTileColumns<T>, sum);
  if (e.first && e.bias != nullptr) {
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      const Vec<T> bias = Vec<T>::set(m < live_rows ? e.bias[m] : T(0));
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[m][v] = sum[m][v] + bias;
    }
  }
  if (panel.segments == 1 && e.step == 1) {
    T* to = dst + panel.segment[0].offset;
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      if (m >= live_rows) break;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const int left = panel.lanes - v * lanes;
        join(sum[m][v], to + m * e.plane + v * lanes, left < lanes ? left : lanes, e);
      }
    }
    return;
  }
  T spread[rows][vectors * lanes];
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[m][v].store(&spread[m][v * lanes]);
  for (int s = 0; s < panel.segments; ++s) {
    const Segment& segment = panel.segment[s];
    for (int m = 0; m < live_rows; ++m) {
      T* to = dst + segment.offset + m * e.plane;
      const T* from = &spread[m][segment.lane];
      if (e.step == 1) {
        for (int i = 0; i < segment.length; i += lanes) {
          const int n = segment.length - i < lanes ? segment.length - i : lanes;
          join(Vec<T>::load(from + i, n), to + i, n, e);
        }
      } else {
        for (int i = 0; i < segment.length; ++i) {
          T& value = to[i * e.step];
          const T total = e.first ? from[i] : value + from[i];
          value = e.relu && total <= T(0) ? T(0) : total;
        }
      }
    }
  }
}

template <class T>
size_t panels_bytes(const ImplicitGemm& g) {
  return (static_cast<size_t>(g.panels_per_block) * sizeof(Panel<T>) + 63) / 64 * 64;
}

// One block of pixels, one group, one share of its rows. Where `packed` is null, each panel of rows
// is packed from `w` when it is needed.
template <class T>
void run_task(const ImplicitGemm& g, int64_t task, const T* src, const T* mask, const T* w,
              const T* packed, const T* bias, bool relu, T* dst, void* scratch) {
  const int64_t blocks = g.pixel_blocks();
  const int64_t block_index = task % blocks;
  const int64_t group = task / blocks % g.groups;
  const int64_t split = task / blocks / g.groups;
  const int64_t first_panel = block_index * g.panels_per_block;
  const int64_t panels =
      g.panels - first_panel < g.panels_per_block ? g.panels - first_panel : g.panels_per_block;
  const int64_t first_row_panel = g.row_panels * split / g.row_splits;
  const int64_t end_row_panel = g.row_panels * (split + 1) / g.row_splits;

  Panel<T>* panel = static_cast<Panel<T>*>(scratch);
  T* pixels = reinterpret_cast<T*>(static_cast<char*>(scratch) + panels_bytes<T>(g));
  T* packed_rows = pixels + g.packed_pixels() + Vec<T>::lanes;
  for (int64_t p = 0; p < panels; ++p) describe_panel(g, first_panel + p, panel[p]);

  const int64_t src_plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t src_group = group * g.channels * src_plane;
  Epilogue<T> e;
  e.plane = g.dst[0] * g.dst[1] * g.dst[2];
  e.step = g.dst_stride[2];
  int64_t done = 0;

  const auto multiply = [&](const DepthBlock& block, bool first, bool last) {
    const int64_t depth = block.depth();
    e.first = first;
    e.relu = last && relu;
    for (int64_t r = first_row_panel; r < end_row_panel; ++r) {
      const int64_t row = r * kTileRows;
      const int live = static_cast<int>(g.rows - row < kTileRows ? g.rows - row : kTileRows);
      const T* a = packed_rows;
      if (packed == nullptr)
        pack_rows(g, w, group, r, block, packed_rows);
      else
        a = packed + ((group * g.row_panels + r) * g.depth() + done) * kTileRows;
      T* to = dst + (group * g.rows + row) * e.plane;
      e.bias = bias == nullptr ? nullptr : bias + group * g.rows + row;
      for (int64_t p = 0; p < panels; ++p) {
        const T* b = pixels + p * depth * kTileColumns<T>;
        const int vectors = static_cast<int>(ceil_div(panel[p].lanes, Vec<T>::lanes));
        with_tile_rows(live, [&](auto rows) {
          with_tile_vectors(vectors, [&](auto columns) {
            tile<T, decltype(rows)::get, decltype(columns)::get>(depth, a, b, live, panel[p], to,
                                                                 e);
          });
        });
      }
    }
  };

  if (g.depth() == 0) return multiply({}, true, true);  // nothing to add up: the bias alone
  for_each_depth_block(g, [&](const DepthBlock& block) {
    for (int64_t p = 0; p < panels; ++p) {
      T* out = pixels + p * block.depth() * kTileColumns<T>;
      if (mask == nullptr)
        pack_pixels<T, false>(g, panel[p], block, src + src_group, nullptr, out);
      else
        pack_pixels<T, true>(g, panel[p], block, src + src_group, mask + src_group, out);
    }
    multiply(block, done == 0, done + block.depth() == g.depth());
    done += block.depth();
  });
}

// `shared`: the weights are packed once for all tasks.
template <class T>
void run(const ImplicitGemm& g, bool shared, const T* src, const T* mask, const T* w,
         const T* packed, const T* bias, bool relu, T* dst, const Context& context) {
  const bool pack = packed == nullptr && shared;
  const Workspace<T> workspace(context, pack ? g.packed_weights() : 0);
  if (workspace.data() != nullptr) {
    pack_weights(g, w, workspace.data(), context);
    packed = workspace.data();
  }
  const int64_t elements =
      g.packed_pixels() + Vec<T>::lanes + (packed == nullptr ? g.packed_rows() : 0);
  const size_t scratch = panels_bytes<T>(g) + static_cast<size_t>(elements) * sizeof(T);
  parallel_for(context, g.pixel_blocks() * g.groups * g.row_splits, scratch,
               [&](int64_t task, void* buffer) {
                 run_task(g, task, src, mask, w, packed, bias, relu, dst, buffer);
               });
}

}  // namespace

void implicit_gemm(const ImplicitGemm& g, bool shared, const float* src, const float* mask,
                   const float* w, const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context) {
  run(g, shared, src, mask, w, packed, bias, relu, dst, context);
}
void implicit_gemm(const ImplicitGemm& g, bool shared, const double* src, const double* mask,
                   const double* w, const double* packed, const double* bias, bool relu,
                   double* dst, const Context& context) {
  run(g, shared, src, mask, w, packed, bias, relu, dst, context);
}

void implicit_gemm_pack(const ImplicitGemm& g, const float* w, float* packed,
                        const Context& context) {
  pack_weights(g, w, packed, context);
}
void implicit_gemm_pack(const ImplicitGemm& g, const double* w, double* packed,
                        const Context& context) {
  pack_weights(g, w, packed, context);
}

}  // namespace striate::cpu::STRIATE_ISA
