// The weight gradient of depthwise convolutions and of groups of few channels: vectors of dy times
// what each tap sees of the input, from the same padded copy as direct.kernel.cpp's. A vector of
// the copy is loaded once for each column of the kernel and serves all rows of dy that meet it.
#include "cpu/conv/direct.h"
#include "cpu/conv/direct_patch.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int64_t kChunkSums = 64 * 1024;  // multiplications that are worth a chunk
inline constexpr int kRowTile = 7;
inline constexpr int64_t kPairsTogether = 4;
// Vectors of dy whose products are added up in one precision; the sums of these are doubles.
inline constexpr int64_t kStepsPerSum = 256;

template <class T>
struct Tile {
  int64_t pitch, row_stride, row_step;  // of the patch
  int64_t taps_h, taps_w;
  const int64_t* places;  // [taps_w]
  int64_t columns, dy_pitch;
};

// sums[taps_w][taps_h] of vectors += the products of `rows` rows of dy.
template <class T, int taps_h, int stride, int rows>
void add_products(const Tile<T>& t, const T* dy, const T* patch, T* sums) {
  constexpr int lanes = Vec<T>::lanes;
  for_each_vector<T>(0, t.columns, [&](int64_t column, int n) {
    Vec<T> gradient[rows];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) gradient[r] = Vec<T>::load(dy + r * t.dy_pitch + column, n);
    T* to = sums;
    for (int64_t w = 0; w < t.taps_w; ++w) {
      const T* from = patch + t.places[w] + column;
      if constexpr (taps_h > 0) {
        Vec<T> sum[taps_h];
#pragma GCC unroll 8
        for (int h = 0; h < taps_h; ++h) sum[h] = Vec<T>::load(to + h * lanes);
#pragma GCC unroll 32
        for (int i = 0; i < (rows - 1) * stride + taps_h; ++i) {
          const Vec<T> pixels = Vec<T>::load(from, n);
          from += t.pitch;
#pragma GCC unroll 8
          for (int h = 0; h < taps_h; ++h) {
            const int r = (i - h) / stride;
            if (i >= h && (i - h) % stride == 0 && r < rows)
              sum[h] = fma(gradient[r], pixels, sum[h]);
          }
        }
#pragma GCC unroll 8
        for (int h = 0; h < taps_h; ++h) sum[h].store(to + h * lanes);
        to += taps_h * lanes;
      } else {
        for (int64_t h = 0; h < t.taps_h; ++h, to += lanes) {
          Vec<T> sum = Vec<T>::load(to);
#pragma GCC unroll 8
          for (int r = 0; r < rows; ++r)
            sum = fma(gradient[r],
                      Vec<T>::load(from + (h * t.row_step + r * t.row_stride) * t.pitch, n), sum);
          sum.store(to);
        }
      }
    }
  });
}

template <class T>
using TileFunction = void (*)(const Tile<T>&, const T*, const T*, T*);

template <class T>
struct Tiles {
  TileFunction<T> seven, four, one;
};

template <class T, int taps_h, int stride>
Tiles<T> tiles_of() {
  return {add_products<T, taps_h, stride, 7>, add_products<T, taps_h, stride, 4>,
          add_products<T, 0, 0, 1>};
}

template <class T>
Tiles<T> choose_tiles(int64_t taps_h, int64_t row_step, int64_t row_stride) {
  if (row_step == 1 && row_stride == 1) {
    if (taps_h == 1) return tiles_of<T, 1, 1>();
    if (taps_h == 3) return tiles_of<T, 3, 1>();
    if (taps_h == 5) return tiles_of<T, 5, 1>();
    if (taps_h == 7) return tiles_of<T, 7, 1>();
  }
  if (row_step == 1 && row_stride == 2) {
    if (taps_h == 3) return tiles_of<T, 3, 2>();
    if (taps_h == 5) return tiles_of<T, 5, 2>();
  }
  return tiles_of<T, 0, 0>();
}

// dy as it is, where planes must lie together or a mask applies.
template <class T>
Patch whole_patch(const int64_t* size, int together) {
  ImplicitGemm g{};
  for (int i = 0; i < kSpatial; ++i) {
    g.src[i] = g.grid[i] = size[i];
    g.src_stride[i] = g.taps[i] = g.tap_step[i] = 1;
  }
  return make_patch<T>(g, nullptr, together);
}

template <class T>
struct WeightGrad {
  const ImplicitGemm& g;  // of the forward convolution
  const T *dy, *x, *y;
  T* dw;
  Patch patch, dy_patch;
  int64_t block;
  bool staged;  // dy passes through scratch
  Tiles<T> tiles;

  int64_t taps() const { return g.tap_count(); }
  int64_t patch_size() const {
    return round_up(patch.depth_taps * patch.plane(block), Vec<T>::lanes) + 2 * Vec<T>::lanes;
  }
  int64_t dy_size() const { return staged ? dy_patch.plane(block) : 0; }
  int64_t sums_size() const { return g.rows * taps() * Vec<T>::lanes; }
  int64_t totals_size() const { return g.rows * taps() * patch.together; }
  size_t scratch() const {
    return static_cast<size_t>(patch_size() + dy_size() + sums_size()) * sizeof(T) +
           static_cast<size_t>(totals_size() + g.taps[2]) * 8;
  }
};

// The lanes of each sum join the totals, in order, and start anew at zero.
template <class T>
void add_up(const WeightGrad<T>& c, T* sums, double* totals) {
  constexpr int lanes = Vec<T>::lanes;
  const int together = c.patch.together;
  for (int64_t i = 0; i < c.g.rows * c.taps(); ++i, sums += lanes, totals += together) {
    if (together == 1) {
      totals[0] += static_cast<double>(reduce_add(Vec<T>::load(sums)));
    } else {
      for (int half = lanes / 2; half >= together; half /= 2)
        for (int l = 0; l < half; ++l) sums[l] += sums[l + half];
      for (int k = 0; k < together; ++k) totals[k] += static_cast<double>(sums[k]);
    }
    Vec<T>::zero().store(sums);
  }
}

// dw of `live` groups, from `group` on, and one input channel of each.
template <class T>
void run_task(const WeightGrad<T>& c, int64_t group, int live, int64_t channel, void* buffer) {
  const ImplicitGemm& g = c.g;
  const int together = c.patch.together;
  const int64_t src_plane = g.src[0] * g.src[1] * g.src[2];
  T* patch = static_cast<T*>(buffer);
  T* staging = patch + c.patch_size();
  T* sums = staging + c.dy_size();
  double* totals = reinterpret_cast<double*>(sums + c.sums_size());
  int64_t* places = reinterpret_cast<int64_t*>(totals + c.totals_size());
  for (int64_t i = 0; i < c.sums_size(); ++i) sums[i] = 0;
  for (int64_t i = 0; i < c.totals_size(); ++i) totals[i] = 0;
  for (int64_t w = 0; w < g.taps[2]; ++w)
    places[w] = c.patch.place(g.tap_offset[2] + w * g.tap_step[2], w);
  const int64_t columns = g.grid[2] * together;
  const Tile<T> t{c.patch.pitch, c.patch.row_stride,
                  g.tap_step[1], g.taps[1],
                  g.taps[2],     places,
                  columns,       c.staged ? c.dy_patch.pitch : g.grid[2]};
  const int64_t tap_plane = g.taps[1] * g.taps[2] * Vec<T>::lanes;
  int64_t steps = 0;
  for (int64_t sample = 0; sample < g.batch; ++sample) {
    const T* x = c.x + ((sample * g.groups + group) * g.channels + channel) * src_plane;
    for (int64_t depth = 0; depth < g.grid[0]; ++depth) {
      for (int64_t first = 0; first < g.grid[1]; first += c.block) {
        const int64_t rows = least(c.block, g.grid[1] - first);
        copy_patch<T>(c.patch, x, nullptr, g.channels * src_plane, live, depth, first, rows, patch);
        for (int64_t o = 0; o < g.rows; ++o) {
          const int64_t plane = ((sample * g.groups + group) * g.rows + o) * g.grid_size();
          const T* dy = c.dy + plane + (depth * g.grid[1] + first) * g.grid[2];
          if (c.staged) {
            copy_patch<T>(c.dy_patch, c.dy + plane, c.y == nullptr ? nullptr : c.y + plane,
                          g.rows * g.grid_size(), live, depth, first, rows, staging);
            dy = staging;
          }
          for (int64_t d = 0; d < g.taps[0]; ++d) {
            T* to = sums + (o * g.taps[0] + d) * tap_plane;
            const T* from = patch + d * c.patch.plane(rows);
            for (int64_t row = 0, height; row < rows; row += height) {
              height = rows - row >= kRowTile ? kRowTile : rows - row >= 4 ? 4 : 1;
              const TileFunction<T> tile = height == kRowTile ? c.tiles.seven
                                           : height == 4      ? c.tiles.four
                                                              : c.tiles.one;
              tile(t, dy + row * t.dy_pitch, from + row * t.row_stride * t.pitch, to);
            }
          }
        }
        steps += rows * ceil_div(columns, Vec<T>::lanes);
        if (steps < kStepsPerSum) continue;
        add_up(c, sums, totals);
        steps = 0;
      }
    }
  }
  add_up(c, sums, totals);
  for (int k = 0; k < live; ++k)
    for (int64_t o = 0; o < g.rows; ++o)
      for (int64_t d = 0; d < g.taps[0]; ++d)
        for (int64_t w = 0; w < g.taps[2]; ++w)
          for (int64_t h = 0; h < g.taps[1]; ++h)
            c.dw[(group + k) * g.w_group + o * g.w_row + channel * g.w_channel +
                 (d * g.taps[1] + h) * g.taps[2] + w] =
                static_cast<T>(
                    totals[(((o * g.taps[0] + d) * g.taps[2] + w) * g.taps[1] + h) * together + k]);
}

template <class T>
void weight_grad(const ImplicitGemm& g, const T* dy, const T* x, const T* y, T* dw,
                 const Context& context) {
  if (g.rows == 0 || g.channels == 0) return;
  if (g.grid_size() == 0 || g.batch == 0) {
    __builtin_memset(dw, 0, static_cast<size_t>(g.groups * g.w_group) * sizeof(T));
    return;
  }
  const int together =
      g.rows * g.channels > kPairsTogether ? 1 : planes_together<T>(g.grid[2], g.groups);
  WeightGrad<T> c{g, dy, x, y, dw, {}, {}, 0, false, {}};
  c.patch = make_patch<T>(g, nullptr, together);
  c.dy_patch = whole_patch<T>(g.grid, together);
  c.block = rows_per_block(c.patch, 1, g.grid[1], kRowTile);
  c.staged = together > 1 || y != nullptr;
  c.tiles = choose_tiles<T>(g.taps[1], g.taps[1] == 1 ? 1 : g.tap_step[1], c.patch.row_stride);
  const int64_t tasks = ceil_div(g.groups, together) * g.channels;
  const int64_t work = together * g.rows * g.tap_count() * g.batch * g.grid_size() + 1;
  const int64_t several = ceil_div(kChunkSums, work);
  parallel_for(context, ceil_div(tasks, several), c.scratch(), [&](int64_t chunk, void* buffer) {
    for (int64_t i = chunk * several; i < (chunk + 1) * several && i < tasks; ++i) {
      const int64_t group = i / g.channels * together;
      run_task(c, group, static_cast<int>(least(together, g.groups - group)), i % g.channels,
               buffer);
    }
  });
}

}  // namespace

void direct_weight_grad(const ImplicitGemm& g, const float* dy, const float* x, const float* y,
                        float* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}
void direct_weight_grad(const ImplicitGemm& g, const double* dy, const double* x, const double* y,
                        double* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}

}  // namespace striate::cpu::STRIATE_ISA
