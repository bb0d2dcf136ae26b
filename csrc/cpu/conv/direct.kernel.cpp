// Depthwise convolution, and groups of few channels: a matrix product would waste most of its tile
// on them. A task copies the rows of the source that a block of result rows sees, with their
// padding (direct_patch.h), and adds up shifted vectors of them, several rows of the result at a
// time (direct_tile.h).
#include "cpu/conv/direct.h"

#include "cpu/conv/direct_patch.h"
#include "cpu/conv/direct_tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int64_t kChunkSums = 64 * 1024;  // multiplications that are worth a chunk
inline constexpr int kRowTile = 7;

// Where interleaving planes pays for a copy of the weights in every lane.
inline constexpr int64_t kPairsTogether = 4;

// A convolution, or one phase of an input gradient, or two of them whose columns alternate.
template <class T>
struct DirectConv {
  const ImplicitGemm& g;
  const ImplicitGemm* twin;  // or null
  const T *src, *mask, *w, *bias;
  bool relu;
  T* dst;

  Patch patch;
  int64_t block;  // rows of the grid in a task
  int64_t blocks;
  int64_t sets;  // of groups that lie together
  bool staged;   // the result's rows pass through scratch
  DirectTiles<T> tiles;

  int phases() const { return twin == nullptr ? 1 : 2; }
  const ImplicitGemm& phase(int i) const { return i == 0 ? g : *twin; }
  int64_t src_plane() const { return g.src[0] * g.src[1] * g.src[2]; }
  int64_t dst_plane() const { return g.dst[0] * g.dst[1] * g.dst[2]; }
  int64_t width() const { return patch.together > 1 ? Vec<T>::lanes : 1; }

  // Elements of a worker's scratch.
  int64_t patch_size() const {
    return g.channels * patch.depth_taps * patch.plane(block) + 2 * Vec<T>::lanes;
  }
  int64_t staging_pitch() const {
    return round_up(patch.grid_columns, Vec<T>::lanes) * patch.together;
  }
  int64_t staging_size() const {
    return staged ? staging_pitch() * greatest(kRowTile, 4 * kChannelTile) : 0;
  }
  int64_t weight_size(int i) const {
    return round_up(g.rows * phase(i).depth() * width(), Vec<T>::lanes);
  }
  int64_t bias_size() const { return round_up(g.rows * width(), Vec<T>::lanes); }
};

// A worker's scratch, cut up.
template <class T>
struct Scratch {
  T *patch, *staging, *bias;
  T* weights[2];
  int64_t* places[2];
  DirectTile<T> tiles[2];

  static size_t bytes(const DirectConv<T>& c) {
    int64_t elements = c.patch_size() + c.bias_size(), places = 0;
    for (int i = 0; i < c.phases(); ++i) {
      elements += c.staging_size() + c.weight_size(i);
      places += c.phase(i).taps[2];
    }
    return static_cast<size_t>(elements) * sizeof(T) + static_cast<size_t>(places) * 8;
  }
  Scratch(const DirectConv<T>& c, void* buffer) {
    patch = static_cast<T*>(buffer);
    staging = patch + round_up(c.patch_size(), Vec<T>::lanes);
    bias = staging + c.phases() * c.staging_size();
    T* next = bias + c.bias_size();
    for (int i = 0; i < c.phases(); ++i) {
      weights[i] = next;
      next += c.weight_size(i);
    }
    places[0] = reinterpret_cast<int64_t*>(next);
    places[1] = places[0] + c.g.taps[2];
    for (int i = 0; i < c.phases(); ++i) {
      const ImplicitGemm& g = c.phase(i);
      DirectTile<T>& t = tiles[i];
      t.pitch = c.patch.pitch;
      t.row_stride = c.patch.row_stride;
      t.row_step = magnitude(g.tap_step[1]);
      t.taps_h = g.taps[1];
      t.taps_w = g.taps[2];
      t.planes = g.channels * c.patch.depth_taps;
      t.places = places[i];
      t.weight_row = g.depth() * c.width();
      t.relu = c.relu;
      t.columns = c.staged ? round_up(c.patch.grid_columns * c.patch.together, Vec<T>::lanes)
                           : c.patch.grid_columns;
      t.out_pitch = c.staged ? c.staging_pitch() : g.dst_stride[1] * g.dst[2];
    }
  }
};

// The weights of one phase, [row][channel][depth][column][row of the kernel], the last ascending in
// the source; for planes that lie together one in each lane.
template <class T>
void arrange_weights(const DirectConv<T>& c, const ImplicitGemm& g, int64_t group, int live,
                     T* out) {
  const int together = c.patch.together;
  const bool backward = g.tap_step[1] < 0;
  for (int64_t m = 0; m < g.rows; ++m)
    for (int64_t channel = 0; channel < g.channels; ++channel)
      for (int64_t d = 0; d < g.taps[0]; ++d)
        for (int64_t x = 0; x < g.taps[2]; ++x)
          for (int64_t h = 0; h < g.taps[1]; ++h, out += c.width()) {
            const int64_t y = backward ? g.taps[1] - 1 - h : h;
            const int64_t index =
                ((g.w_index[0] + d * g.w_step[0]) * g.kernel[1] + g.w_index[1] + y * g.w_step[1]) *
                    g.kernel[2] +
                g.w_index[2] + x * g.w_step[2];
            const T* from = c.w + group * g.w_group + m * g.w_row + channel * g.w_channel + index;
            if (together == 1) {
              *out = *from;
              continue;
            }
            with_together<T>(together, [&](auto count) {
              Vec<T> v[decltype(count)::value];
              for (int k = 0; k < decltype(count)::value; ++k)
                v[k] = Vec<T>::set(k < live ? from[k * g.w_group] : T(0));
              interleave_rows(v);
              v[0].store(out);
            });
          }
}

template <class T>
void arrange(const DirectConv<T>& c, int64_t group, int live, const Scratch<T>& s) {
  const int together = c.patch.together;
  for (int64_t m = 0; m < c.g.rows; ++m)
    for (int64_t l = 0; l < c.width(); ++l) {
      const int64_t k = l & (together - 1);
      s.bias[m * c.width() + l] =
          c.bias == nullptr || k >= live ? T(0) : c.bias[(group + k) * c.g.rows + m];
    }
  for (int i = 0; i < c.phases(); ++i) {
    const ImplicitGemm& g = c.phase(i);
    arrange_weights(c, g, group, live, s.weights[i]);
    for (int64_t x = 0; x < g.taps[2]; ++x)
      s.places[i][x] = c.patch.place(g.tap_offset[2] + x * g.tap_step[2], x);
  }
}

// One row of the result of each plane that lies together, from where it was staged.
template <class T, int together>
STRIATE_INLINE void put_row(const DirectConv<T>& c, const T* even, const T* odd, int live,
                            int64_t apart, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t columns = c.patch.grid_columns;
  for (int64_t column = 0; column < columns; column += lanes) {
    Vec<T> v[together], u[together];
#pragma GCC unroll 16
    for (int k = 0; k < together; ++k) v[k] = Vec<T>::load(even + column * together + k * lanes);
    separate_rows(v);
    if (odd != nullptr) {
#pragma GCC unroll 16
      for (int k = 0; k < together; ++k) u[k] = Vec<T>::load(odd + column * together + k * lanes);
      separate_rows(u);
    }
#pragma GCC unroll 16
    for (int k = 0; k < together; ++k) {
      if (k >= live) break;
      T* to = out + k * apart;
      if (odd != nullptr) {
        const int64_t left = c.g.dst[2] - 2 * column;
        const Vec<T> low = interleave_low(v[k], u[k]), high = interleave_high(v[k], u[k]);
        low.store(to + 2 * column, static_cast<int>(least(left, lanes)));
        if (left > lanes)
          high.store(to + 2 * column + lanes, static_cast<int>(least(left - lanes, lanes)));
        continue;
      }
      const int n = static_cast<int>(least(columns - column, lanes));
      if (c.g.dst_stride[2] == 1) {
        v[k].store(to + column, n);
        continue;
      }
      T lane[lanes];
      v[k].store(lane);
      to += column * c.g.dst_stride[2] + c.g.dst_offset[2];
      for (int l = 0; l < n; ++l) to[l * c.g.dst_stride[2]] = lane[l];
    }
  }
}

// One block of rows of one sample's set of groups.
template <class T>
void run_task(const DirectConv<T>& c, int64_t sample, int64_t group, int live, int64_t depth,
              int64_t first, Scratch<T>& s) {
  const ImplicitGemm& g = c.g;
  const int64_t rows = least(c.block, g.grid[1] - first);
  const int64_t from = (sample * g.groups + group) * g.channels * c.src_plane();
  const int64_t plane = c.patch.plane(rows);
  for (int64_t channel = 0; channel < g.channels; ++channel)
    copy_patch(c.patch, c.src + from + channel * c.src_plane(),
               c.mask == nullptr ? nullptr : c.mask + from + channel * c.src_plane(),
               g.channels * c.src_plane(), live, depth, first, rows,
               s.patch + channel * c.patch.depth_taps * plane);

  T* to = c.dst + (sample * g.groups + group) * g.rows * c.dst_plane() +
          ((depth * g.dst_stride[0] + g.dst_offset[0]) * g.dst[1] + first * g.dst_stride[1] +
           g.dst_offset[1]) *
              g.dst[2];
  const int64_t row_pitch = g.dst_stride[1] * g.dst[2];
  DirectTile<T>(&t)[2] = s.tiles;
  t[0].plane = t[1].plane = plane;
  for (int64_t m = 0, channels; m < g.rows; m += channels) {
    channels = c.patch.together == 1 && g.rows - m >= kChannelTile ? kChannelTile : 1;
    // Tiles may overlap: rows that are computed twice come out the same.
    int64_t height = 1;
    if (rows >= 4) height = 4;
    if (channels == 1 && rows >= kRowTile && round_up(rows, kRowTile) <= round_up(rows, 4))
      height = kRowTile;
    const DirectTileFunction<T> tile = channels > 1
                                           ? (height == 4 ? c.tiles.many_four : c.tiles.many_one)
                                           : (height == 7   ? c.tiles.seven
                                              : height == 4 ? c.tiles.four
                                                            : c.tiles.one);
    for (int64_t r = 0; r < rows; r += height) {
      const int64_t row = least(r, rows - height);
      T* out = to + m * c.dst_plane() + row * row_pitch;
      for (int i = 0; i < c.phases(); ++i) {
        t[i].weights = s.weights[i] + m * t[i].weight_row;
        t[i].bias = s.bias + m * c.width();
        t[i].out_plane = c.staged ? height * t[i].out_pitch : c.dst_plane();
        tile(t[i], s.patch + row * c.patch.row_stride * c.patch.pitch,
             c.staged ? s.staging + i * c.staging_size() : out);
      }
      if (!c.staged) continue;
      with_together<T>(c.patch.together, [&](auto together) {
        for (int64_t i = 0; i < channels * height; ++i) {
          const T* even = s.staging + i * c.staging_pitch();
          put_row<T, decltype(together)::value>(
              c, even, c.twin == nullptr ? nullptr : even + c.staging_size(), live,
              g.rows * c.dst_plane(), out + i / height * c.dst_plane() + i % height * row_pitch);
        }
      });
    }
  }
}

template <class T>
void conv(const ImplicitGemm& g, const ImplicitGemm* twin, const T* src, const T* mask, const T* w,
          const T* bias, bool relu, T* dst, const Context& context) {
  if (g.rows == 0 || g.grid_size() == 0) return;
  const int together =
      g.rows * g.channels > kPairsTogether ? 1 : planes_together<T>(g.grid[2], g.groups);
  DirectConv<T> c{g, twin, src, mask, w, bias, relu, dst, {}, 0, 0, 0, false, {}};
  c.patch = make_patch<T>(g, twin, together);
  c.block = rows_per_block(c.patch, g.channels, g.grid[1], 4 * kRowTile);
  c.blocks = ceil_div(g.grid[1], c.block);
  c.sets = ceil_div(g.groups, together);
  c.staged = together > 1 || twin != nullptr || g.dst_stride[2] != 1;
  const int64_t row_step = g.taps[1] == 1 ? 1 : magnitude(g.tap_step[1]);
  c.tiles = together > 1 ? direct_tiles<T, true>(g.taps[1], row_step, c.patch.row_stride)
                         : direct_tiles<T, false>(g.taps[1], row_step, c.patch.row_stride);
  // Small tasks go several to a chunk: first those of the same weights.
  const int64_t work = together * g.rows * g.depth() * c.phases() * c.block * g.grid[2] + 1;
  const int64_t several = ceil_div(kChunkSums, work);
  const int64_t tasks = c.sets * g.batch * g.grid[0] * c.blocks;
  parallel_for(context, ceil_div(tasks, several), Scratch<T>::bytes(c),
               [&](int64_t chunk, void* buffer) {
                 Scratch<T> scratch(c, buffer);
                 int64_t i = chunk * several;
                 const int64_t end = least(i + several, tasks);
                 int64_t block = i % c.blocks, depth = i / c.blocks % g.grid[0];
                 int64_t sample = i / c.blocks / g.grid[0] % g.batch;
                 int64_t group = i / c.blocks / g.grid[0] / g.batch * together;
                 for (int live = 0; i < end; ++i) {
                   if (live == 0) {
                     live = static_cast<int>(least(together, g.groups - group));
                     arrange(c, group, live, scratch);
                   }
                   run_task(c, sample, group, live, depth, block * c.block, scratch);
                   if (++block < c.blocks) continue;
                   block = 0;
                   if (++depth < g.grid[0]) continue;
                   depth = 0;
                   if (++sample < g.batch) continue;
                   sample = 0;
                   group += together;
                   live = 0;
                 }
               });
}

}  // namespace

void direct_conv(const ImplicitGemm& g, const ImplicitGemm* twin, const float* src,
                 const float* mask, const float* w, const float* bias, bool relu, float* dst,
                 const Context& context) {
  conv(g, twin, src, mask, w, bias, relu, dst, context);
}
void direct_conv(const ImplicitGemm& g, const ImplicitGemm* twin, const double* src,
                 const double* mask, const double* w, const double* bias, bool relu, double* dst,
                 const Context& context) {
  conv(g, twin, src, mask, w, bias, relu, dst, context);
}

}  // namespace striate::cpu::STRIATE_ISA
