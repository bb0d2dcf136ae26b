// Convolution in groups by Winograd's minimal filtering, F(4x4, 3x3), and its input gradient, with
// channels as lanes. The groups are too small, and their planes too narrow, for what
// winograd.kernel.cpp does with tiles as lanes: there are few rows to share a tile's transform, and
// few tiles side by side. Here a task takes one block of groups and some units of tiles: it
// transposes a vector of channels to one vector a pixel, so that all transforms are plain vector
// arithmetic, multiplies
//   products[f][tile][row] = sum over channels of  source[f][tile][channel] *
//   weights[f][channel][row]
// with rows as lanes and tiles as broadcasts, and transposes what the inverse transform makes of
// that back into planes. Groups of less channels than half a vector share one, as a product whose
// weights between two groups are zero.
#include "cpu/conv/winograd_lanes.h"

#include "cpu/conv/winograd_filters.h"
#include "cpu/conv/winograd_lanes_tiles.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int kLanes = Floats::lanes;
// Elements of a vector of channels of a tile: [frequency][lane], at distances that the compiler
// knows.
constexpr int64_t kTile = kFrequencies * kLanes;

// Sums in registers: tiles by one or two vectors of rows.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kMostTiles[2] = {16, 12};
#else
inline constexpr int kMostTiles[2] = {12, 4};
#endif

// Not inlined: what surrounds it must not take registers from the sums. A vector of channels
// follows another after `a_step` elements, a vector of rows after `out_step`.
template <int tiles, int vectors>
__attribute__((noinline)) void multiply_tiles(int64_t depth, const float* a, int64_t a_step,
                                              const float* b, int64_t width, float* out,
                                              int64_t out_step) {
  Floats sum[tiles][vectors];
#pragma GCC unroll 16
  for (int m = 0; m < tiles; ++m)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[m][v] = Floats::zero();
  for (int64_t c = 0; c < depth; c += kLanes, a += a_step) {
    const float* from = a;
    const float* end = a + least(kLanes, depth - c);
    for (; from != end; ++from, b += width) {
      Floats columns[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) columns[v] = Floats::load(b + v * kLanes);
#pragma GCC unroll 16
      for (int m = 0; m < tiles; ++m) {
        const Floats value = Floats::set(from[m * kTile]);
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sum[m][v] = fma(value, columns[v], sum[m][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < tiles; ++m)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[m][v].store(out + v * out_step + m * kTile);
}

// One or two vectors of rows over all tiles, in even shares.
template <int vectors>
STRIATE_INLINE void multiply_rows(int64_t quads, int64_t depth, const float* a, int64_t step,
                                  const float* b, int64_t width, float* out) {
  constexpr int together = static_cast<int>(kTilesTogether);
  constexpr int most = kMostTiles[vectors - 1] / together;
  const int64_t pieces = ceil_div(quads, most);
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t first = quads * i / pieces, at = first * together * kTile;
    with_count<most>(quads * (i + 1) / pieces - first, [&](auto count) {
      multiply_tiles<decltype(count)::get * together, vectors>(depth, a + at, step, b, width,
                                                               out + at, step);
    });
  }
}

void multiply(const WinogradLanes& g, int64_t depth, int64_t tiles, const float* source,
              const float* weights, float* products) {
  const int64_t quads = ceil_div(tiles, kTilesTogether), step = g.tiles_per_block * kTile;
  for (int64_t f = 0; f < kFrequencies; ++f) {
    const float* a = source + f * kLanes;
    const float* b = weights + f * g.weights_plane();
    float* out = products + f * kLanes;
    int64_t v = 0;
    for (; v + 2 <= g.row_vectors; v += 2)
      multiply_rows<2>(quads, depth, a, step, b + v * kLanes, g.width(), out + v * step);
    if (v < g.row_vectors)
      multiply_rows<1>(quads, depth, a, step, b + v * kLanes, g.width(), out + v * step);
  }
}

// The tiles of a chunk, one after another.
struct Cursor {
  const WinogradLanes& g;
  int64_t index;  // of the unit, in the batch
  int64_t unit = 0, row = 0, column = 0;
  Unit at;

  Cursor(const WinogradLanes& plan, int64_t first) : g(plan), index(first), at(plan, first) {}
  void next() {
    if (++column < g.tiles[1]) return;
    column = 0;
    if (++row < at.end_row - at.first_row) return;
    row = 0;
    ++unit;
    at = Unit(g, ++index);
  }
};

struct Call {
  const WinogradLanes& g;
  const float *src, *mask, *w, *bias;
  bool relu;
  float* dst;
  bool finite = true;

  // A block's filters as [frequency][channel][row], zero between two groups.
  void make_weights(int64_t block, float* out) const {
    const int64_t plane = g.weights_plane(), width = g.width();
    const int64_t groups = g.groups_in(block), rows = groups * g.rows;
    const float* from = w + block * g.members * g.w_group;
    for (int64_t v = 0; v < g.row_vectors; ++v) {
      int64_t offset[kLanes];
      for (int l = 0; l < kLanes; ++l) {
        const int64_t row = least(v * kLanes + l, rows - 1);
        offset[l] = row / g.rows * g.w_group + row % g.rows * g.w_row;
      }
      float* to = out + v * kLanes;
      for (int64_t c = 0; c < g.channels; ++c)
        transform_filters<UnitFilter<3>>(from + c * g.w_channel, offset, g.flipped, to + c * width,
                                         plane, kLanes);
      if (groups == 1) continue;
      for (int64_t k = groups - 1; k >= 0; --k) {
        const auto own =
            LaneSet<float>::range(k * g.rows - v * kLanes, (k + 1) * g.rows - v * kLanes);
        for (int64_t f = 0; f < kFrequencies; ++f)
          for (int64_t c = 0; c < g.channels; ++c)
            own.load(to + f * plane + c * width)
                .store(to + f * plane + (k * g.channels + c) * width);
      }
    }
  }

  // A^T m A of a tile, with bias and activation, to rows of pixels.
  void invert_tile(const float* products, Floats added, int64_t height, int64_t width, float* out,
                   Floats& check) const {
    const int64_t pitch = g.dst[1] * kLanes;
    Floats half[4][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      Floats p[6], o[4];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) p[i] = Floats::load(products + (i * 6 + j) * kLanes);
      formula::winograd_output<4>(p, o);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) half[i][j] = o[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      if (i >= height) break;
      Floats pixel[4];
      formula::winograd_output<4>(half[i], pixel);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        Floats value = pixel[j] + added;
        check = fma(value, Floats::zero(), check);  // NaN from now on, if it is not finite
        if (relu) value = formula::relu(value);
        if (j < width) value.store(out + i * pitch + j * kLanes);
      }
    }
  }

  // One of the shares of a block's chunks.
  void run_task(int64_t block, int64_t run, const float* shared, float* memory) {
    const float* weights = shared + block * g.block_weights();
    if (!g.share_weights) {
      make_weights(block, memory);
      weights = memory;
      memory += g.block_weights();
    }
    const int64_t end = g.chunks * (run + 1) / g.runs;
    for (int64_t chunk = g.chunks * run / g.runs; chunk < end; ++chunk)
      run_chunk(block, chunk, chunk + 1 < end, weights, memory);
  }

  // Asks for a share, `step` of `steps`, of the rows that a unit has of each of a block's planes.
  static void ask_for(const float* planes, int64_t count, const int64_t (&size)[2],
                      int64_t first_row, int64_t end_row, int64_t step, int64_t steps) {
    constexpr int64_t kLine = 64 / sizeof(float);
    const int64_t end = count * (step + 1) / steps;
    const int64_t length = (least(end_row, size[0]) - greatest(first_row, 0)) * size[1];
    for (int64_t c = count * step / steps; c < end; ++c) {
      const float* from = planes + (c * size[0] + greatest(first_row, 0)) * size[1];
      for (int64_t i = 0; i < length; i += kLine) __builtin_prefetch(from + i, 0, 2);
    }
  }

  // Asks, step by step, for what this chunk will write and the next one read.
  void look_ahead(int64_t block, int64_t first, int64_t end, bool goes_on, int64_t step,
                  int64_t steps) const {
    const int64_t rows = g.groups_in(block) * g.rows, channels = g.groups_in(block) * g.channels;
    const int64_t size = g.src[0] * g.src[1], plane = g.dst[0] * g.dst[1];
    for (int64_t i = first; i < end; ++i) {
      const Unit unit(g, i);
      ask_for(dst + (unit.sample * g.groups + block * g.members) * g.rows * plane, rows, g.dst,
              4 * unit.first_row, 4 * unit.end_row, step, steps);
    }
    if (!goes_on) return;
    for (int64_t i = end; i < least(end + g.units_per_chunk, g.units); ++i) {
      const Unit unit(g, i);
      ask_for(src + (unit.sample * g.groups + block * g.members) * g.channels * size, channels,
              g.src, g.origin[0] + 4 * unit.first_row, g.origin[0] + 4 * unit.end_row + 2, step,
              steps);
    }
  }

  void run_chunk(int64_t block, int64_t chunk, bool goes_on, const float* weights, float* memory) {
    const int64_t first = chunk * g.units_per_chunk;
    const int64_t end = least(first + g.units_per_chunk, g.units);
    const int64_t rows = g.groups_in(block) * g.rows, first_row = block * g.members * g.rows;
    float* source = memory;
    float* products = source + (g.in_place() ? 0 : g.tiles_unit());
    float* stage = products + g.tiles_unit();
    float* pixels = stage + g.units_per_chunk * g.channel_vectors * g.stage();
    int64_t tiles = 0;
    for (int64_t i = first; i < end; ++i) {
      const Unit unit(g, i);
      tiles += unit.tiles(g);
      for (int64_t v = 0; v < g.channel_vectors; ++v)
        stage_unit(g, block, v, unit, src, mask,
                   stage + ((i - first) * g.channel_vectors + v) * g.stage());
    }
    Floats check = Floats::zero();
    Cursor in(g, first), out(g, first);
    for (int64_t t = 0; t < tiles; t += g.tiles_per_block) {
      const int64_t count = least(g.tiles_per_block, tiles - t);
      look_ahead(block, first, end, goes_on, t / g.tiles_per_block,
                 ceil_div(tiles, g.tiles_per_block));
      transform(in, count, stage, source);
      multiply(g, g.groups_in(block) * g.channels, count, source, weights, products);
      for (int64_t k = 0; k < count; ++k, out.next()) {
        const int64_t row = 4 * out.row, column = 4 * out.column;
        const int64_t height = g.dst[0] - 4 * out.at.first_row - row;
        for (int64_t v = 0; v < g.row_vectors; ++v) {
          const Floats added = bias == nullptr
                                   ? Floats::zero()
                                   : load_pixel(LanePlanes<float>(v, rows, 1), bias + first_row);
          invert_tile(products + (v * g.tiles_per_block + k) * kTile, added, height,
                      g.dst[1] - column,
                      pixels + (out.unit * g.row_vectors + v) * g.result() +
                          (row * g.dst[1] + column) * kLanes,
                      check);
        }
      }
    }
    if (any(is_nan(check))) __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    const int64_t plane = g.dst[0] * g.dst[1];
    for (int64_t i = first; i < end; ++i) {
      const Unit unit(g, i);
      const int64_t row = 4 * unit.first_row;
      for (int64_t v = 0; v < g.row_vectors; ++v)
        store_planes(LanePlanes<float>(v, rows, plane),
                     pixels + ((i - first) * g.row_vectors + v) * g.result(),
                     (least(4 * unit.end_row, g.dst[0]) - row) * g.dst[1],
                     dst + (unit.sample * g.groups * g.rows + first_row) * plane + row * g.dst[1]);
    }
  }

  // The next `count` tiles; zeros beyond them, up to what is multiplied together.
  void transform(Cursor& at, int64_t count, const float* stage, float* source) const {
    const int64_t padded = ceil_div(count, kTilesTogether) * kTilesTogether;
    const Reach columns = g.columns();
    const int64_t pitch = columns.size() * kLanes;
    stage += (g.origin[1] - columns.first) * kLanes;
    for (int64_t k = 0; k < count; ++k, at.next())
      for (int64_t v = 0; v < g.channel_vectors; ++v)
        transform_tile(stage + (at.unit * g.channel_vectors + v) * g.stage() + 4 * at.row * pitch +
                           4 * at.column * kLanes,
                       pitch, source + (v * g.tiles_per_block + k) * kTile, kLanes);
    for (int64_t k = count; k < padded; ++k)
      for (int64_t v = 0; v < g.channel_vectors; ++v)
        for (int64_t f = 0; f < kFrequencies; ++f)
          Floats::zero().store(source + (v * g.tiles_per_block + k) * kTile + f * kLanes);
  }
};

}  // namespace

bool winograd_lanes_conv(const WinogradLanes& g, const float* src, const float* mask,
                         const float* w, const float* bias, bool relu, float* dst,
                         const Context& context) {
  Call call{g, src, mask, w, bias, relu, dst};
  const Workspace<float> weights(context, g.shared_weights());
  if (g.share_weights)
    parallel_for(context, g.blocks, 0, [&](int64_t block, void*) {
      call.make_weights(block, weights.data() + block * g.block_weights());
    });
  parallel_for(context, g.blocks * g.runs, static_cast<size_t>(g.scratch()) * sizeof(float),
               [&](int64_t task, void* memory) {
                 call.run_task(task / g.runs, task % g.runs, weights.data(),
                               static_cast<float*>(memory));
               });
  return call.finite;
}

}  // namespace striate::cpu::STRIATE_ISA
