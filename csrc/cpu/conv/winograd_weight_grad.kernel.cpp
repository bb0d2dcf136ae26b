// The weight gradient by Winograd's minimal filtering, F(3x3, 4x4) and F(5x5, 2x2): dy takes the
// filter's place, and the few sums that it makes as it slides over x are dw. dy is cut into tiles
// of 4x4 (2x2) pixels, x into the 6x6 that each of them meets. In the domain of 36 frequencies
// (core/formula/winograd.h) a tile costs 36 multiplications for each pair of channels, where direct
// sums take 144 (100), and the sum over tiles is 36 matrix products,
//   products[f] = x[f] (channels x tiles) x dy[f] (tiles x outputs).
// Where the filter moves by two, there are 81 products of 9x9 pixels of x and 25 points of dy's
// 4x4, which make the same 36 sums. Tiles go in blocks, and blocks in slices. A slice is one task:
// for each of its blocks it transforms x and dy within its core's cache, multiplies, and adds the
// inverse transform to sums of its own; the slices' sums are then added in order. The inverse in
// every block costs a few percent, and spares 36 sums for each pair of channels in memory. Where
// channels are too many for that, or tiles too few, there is one slice, whose transforms and
// products are shared out to tasks that each own some outputs and channels.
#include "cpu/conv/winograd_weight_grad.h"

#include "cpu/conv/broadcast.h"
#include "cpu/conv/winograd_tiles.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int kLanes = Floats::lanes;

// Rows of dy on their way to the tiles, [lane][row][column].
constexpr int64_t kTilesPerCopy = 16;
constexpr int64_t kCopyRow = 4 * kTilesPerCopy;
constexpr int64_t kCopyPitch = 4 * kCopyRow + 16;

// `tiles` tiles of the strip, from its tile `first` on, of `live` outputs; zeros beyond dy's edges.
template <int size>
void copy_dy(const WinogradWeightGrad& g, const Strip& strip, int64_t first, int64_t tiles,
             const float* dy, const float* y, int64_t live, float* copy) {
  const int64_t plane = g.dst[0] * g.dst[1];
  const int64_t column = (strip.column + first) * size;
  const int64_t width = tiles * size;
  const int64_t inside = least(width, g.dst[1] - column);
  for (int64_t l = 0; l < kLanes; ++l) {
    for (int64_t i = 0; i < size; ++i) {
      float* to = copy + l * kCopyPitch + i * kCopyRow;
      const int64_t row = strip.row * size + i;
      const int64_t columns = l < live && row < g.dst[0] ? inside : 0;
      const int64_t start = columns == 0 ? 0 : l * plane + row * g.dst[1] + column;
      for (int64_t k = 0; k < width; k += kLanes) {
        const int n = static_cast<int>(columns < k ? 0 : least(kLanes, columns - k));
        Floats v = Floats::load(dy + start + k, n);
        if (y != nullptr) v = formula::relu_grad(v, Floats::load(y + start + k, n));
        v.store(to + k);
      }
    }
  }
}

// The transforms of a kind of window: `size` of dy to `points`, and 36 sums to taps x taps.
template <int taps_>
struct UnitForm {
  using Tile = UnitTile;
  static constexpr int taps = taps_, size = 7 - taps, points = 6;
  static STRIATE_INLINE void transform_dy(const Floats (&d)[size], Floats (&o)[6]) {
    formula::winograd_weights<size>(d, o);
  }
  static STRIATE_INLINE void invert(const Floats (&p)[6], Floats (&o)[taps]) {
    formula::winograd_output<taps>(p, o);
  }
};
struct StridedForm {
  using Tile = StridedTile;
  static constexpr int taps = 3, size = 4, points = 5;
  static STRIATE_INLINE void transform_dy(const Floats (&d)[4], Floats (&o)[5]) {
    formula::winograd_strided_points(d, o);
  }
  static STRIATE_INLINE void invert(const Floats (&p)[6], Floats (&o)[3]) {
    formula::winograd_strided_taps(p, o);
  }
};

// Calls body with the form of the plan's window.
template <class Body>
STRIATE_INLINE void with_form(const WinogradWeightGrad& g, const Body& body) {
  if (g.taps == 5) return body(UnitForm<5>{});
  if (g.stride == 1) return body(UnitForm<3>{});
  body(StridedForm{});
}

// dy of a vector of outputs and some of the block's tiles at the points, to out[point * plane +
// tile * width].
template <class Form>
void transform_dy(const WinogradWeightGrad& g, int64_t block, int64_t first, int64_t count,
                  const float* dy, const float* y, int64_t live, const Stage& stage, float* copy,
                  float* out, int64_t width) {
  constexpr int size = Form::size, points = Form::points;
  const int64_t plane = g.dy_plane();
  const int64_t sample_step = g.groups * g.outputs * g.dst[0] * g.dst[1];
  int32_t lane_offset[kLanes];
  for (int l = 0; l < kLanes; ++l) lane_offset[l] = static_cast<int32_t>(l * kCopyPitch);
  for_each_strip(
      g.tiles, g.first_tile(block) + first, count, [&](const Strip& strip, int64_t done) {
        const int64_t start = strip.sample * sample_step;
        for (int64_t k = 0; k < strip.tiles; k += kTilesPerCopy) {
          const int64_t tiles = least(kTilesPerCopy, strip.tiles - k);
          copy_dy<size>(g, strip, k, tiles, dy + start, y == nullptr ? nullptr : y + start, live,
                        copy);
          for (int64_t t = 0; t < tiles; ++t) {
            Floats column[4][size], half[points][size];
#pragma GCC unroll 4
            for (int i = 0; i < size; ++i) {
              Floats quad[4];
              load_rows(copy + i * kCopyRow + t * size, lane_offset, quad);
              transpose_quads(quad);
#pragma GCC unroll 4
              for (int j = 0; j < size; ++j) column[j][i] = quad[j];
            }
#pragma GCC unroll 4
            for (int j = 0; j < size; ++j) {
              Floats o[points];
              Form::transform_dy(column[j], o);
#pragma GCC unroll 6
              for (int i = 0; i < points; ++i) half[i][j] = o[i];
            }
            float* to = out + tile_place(stage, first + done + k + t, g.tiles.step) * width;
            for (int i = 0; i < points; ++i) {
              Floats o[points];
              Form::transform_dy(half[i], o);
#pragma GCC unroll 6
              for (int j = 0; j < points; ++j) o[j].store(to + (i * points + j) * plane);
            }
          }
        }
      });
}

// A^T p A of a task's products; `add` but for the first block.
template <class Form>
void add_inverse(const WinogradWeightGrad& g, int64_t channels, int vectors, const float* products,
                 float* sums, bool add) {
  constexpr int taps = Form::taps;
  const int64_t plane = g.products_plane();
  const int64_t width = vectors * kLanes;
  for (int64_t c = 0; c < channels; ++c) {
    for (int v = 0; v < vectors; ++v) {
      const float* from = products + c * width + v * kLanes;
      Floats half[taps][6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Floats p[6], o[taps];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) p[i] = Floats::load(from + (i * 6 + j) * plane);
        Form::invert(p, o);
#pragma GCC unroll 5
        for (int i = 0; i < taps; ++i) half[i][j] = o[i];
      }
#pragma GCC unroll 5
      for (int i = 0; i < taps; ++i) {
        Floats o[taps];
        Form::invert(half[i], o);
#pragma GCC unroll 5
        for (int j = 0; j < taps; ++j) {
          float* to = sums + (c * taps * taps + i * taps + j) * width + v * kLanes;
          (add ? Floats::load(to) + o[j] : o[j]).store(to);
        }
      }
    }
  }
}

// A block's transformed x and dy.
struct Tiles {
  float* x;
  float* dy;
};

class Call {
 public:
  Call(const WinogradWeightGrad& plan, const float* gradient, const float* input,
       const float* output, float* result, const Context& context)
      : g(plan),
        dy(gradient),
        x(input),
        y(output),
        dw(result),
        workspace(context, g.workspace() / 4),
        shared_sums(workspace.data()) {}

  const WinogradWeightGrad& g;
  const float *dy, *x, *y;
  float* dw;
  Workspace<float> workspace;
  float* shared_sums;  // [slice][task], and then a block's tiles if tasks share them
  bool finite = true;

  Tiles tiles_at(float* unit) const { return {unit, unit + g.x_unit()}; }
  Tiles shared_tiles() const { return tiles_at(shared_sums + g.shared_sums()); }

  // Outputs go in vectors, blocks of outputs in nearly even numbers of them.
  int64_t vectors() const { return ceil_div(g.outputs, kLanes); }
  int64_t first_vector(int64_t block) const { return vectors() * block / g.output_blocks; }
  float* dy_slab(const Tiles& tiles, int64_t group, int64_t vector) const {
    return tiles.dy + g.tiles_per_block * (group * g.padded_outputs() + vector * kLanes);
  }

  // The chunks of a block's transform: dy's vectors, in pieces of the block, and x's channels.
  static constexpr int64_t kTilesPerChunk = 64;
  static constexpr int64_t kChannelsPerChunk = 4;
  int64_t dy_pieces() const { return ceil_div(g.tiles_per_block, kTilesPerChunk); }
  int64_t dy_chunks() const { return g.groups * vectors() * dy_pieces(); }
  int64_t chunks() const {
    return dy_chunks() + ceil_div(g.groups * g.channels, kChannelsPerChunk);
  }

  Stage stage_of(int64_t block, void* memory) const {
    char* at = static_cast<char*>(memory);
    Stage stage;
    stage.offset = reinterpret_cast<int32_t*>(at);
    stage.pitch = g.tiles.stage_pitch(g.tiles_per_block);
    stage.rows = reinterpret_cast<float*>(at + (4 * g.tiles_per_block + 63) / 64 * 64);
    prepare_stage(g.tiles, g.first_tile(block), g.tiles_in(block), stage);
    return stage;
  }

  // Some of all groups' channels.
  void transform_x(int64_t block, int64_t first, int64_t channels, const Stage& stage,
                   float* out) const {
    const int64_t plane = g.tiles.src[0] * g.tiles.src[1];
    with_form(g, [&](auto form) {
      transform_tiles<typename decltype(form)::Tile>(
          g.tiles, g.first_tile(block), g.tiles_in(block), x + first * plane, nullptr, channels,
          g.groups * g.channels * plane, stage, out, g.pitch(), g.x_plane());
    });
  }

  void transform(int64_t block, int64_t chunk, const Tiles& tiles, void* memory) const {
    const Stage stage = stage_of(block, memory);
    const int64_t count = g.tiles_in(block);
    if (chunk >= dy_chunks()) {
      const int64_t first = (chunk - dy_chunks()) * kChannelsPerChunk;
      const int64_t channels = least(kChannelsPerChunk, g.groups * g.channels - first);
      return transform_x(block, first, channels, stage, tiles.x + first * g.pitch());
    }
    const int64_t first = chunk % dy_pieces() * kTilesPerChunk;
    if (first >= count) return;
    const int64_t vector = chunk / dy_pieces() % vectors();
    const int64_t group = chunk / dy_pieces() / vectors();
    int64_t output_block = 0;
    while (first_vector(output_block + 1) <= vector) ++output_block;
    const int64_t slab = first_vector(output_block);
    const int64_t width = (first_vector(output_block + 1) - slab) * kLanes;
    const int64_t output = vector * kLanes;
    const int64_t start = (group * g.outputs + output) * g.dst[0] * g.dst[1];
    with_form(g, [&](auto form) {
      float copy[kLanes * kCopyPitch];
      transform_dy<decltype(form)>(g, block, first, least(kTilesPerChunk, count - first),
                                   dy + start, y == nullptr ? nullptr : y + start,
                                   least(kLanes, g.outputs - output), stage, copy,
                                   dy_slab(tiles, group, slab) + (vector - slab) * kLanes, width);
    });
  }

  // Some outputs and channels of one group.
  struct Share {
    int64_t group, first_channel, channels, vector;
    int vectors;
    int64_t width() const { return vectors * kLanes; }
  };
  Share share_of(int64_t task) const {
    Share s;
    const int64_t share = task % g.shares();
    const int64_t output_block = task / g.shares() % g.output_blocks;
    s.group = task / g.shares() / g.output_blocks;
    s.first_channel = g.panels * share / g.shares() * kBroadcastPairs;
    s.channels =
        least(g.panels * (share + 1) / g.shares() * kBroadcastPairs, g.channels) - s.first_channel;
    s.vector = first_vector(output_block);
    s.vectors = static_cast<int>(first_vector(output_block + 1) - s.vector);
    return s;
  }
  float* sums_of(int64_t slice, int64_t task) const {
    return shared_sums + (slice * g.tasks() + task) * g.sums();
  }

  // Adds the block's products to `sums`, or begins them.
  void multiply(int64_t block, int64_t task, const Tiles& tiles, float* products, float* sums,
                bool add) const {
    const Share s = share_of(task);
    const int64_t count = g.tiles_in(block);
    const WinogradRuns& runs = winograd_runs(g.stride);
    const int64_t channel = g.x_by_share ? 0 : s.group * g.channels + s.first_channel;
    for (int64_t k = 0; k < runs.count; ++k) {
      const WinogradRun& run = runs.at[k];
      const float* a = tiles.x + run.parted * g.x_plane() + channel * g.pitch();
      const float* b = dy_slab(tiles, s.group, s.vector) + run.points * g.dy_plane();
      float* to = products + run.weights * g.products_plane();
      const PixelGrid grid{run.count,
                           1,
                           count,
                           run.parted_step * g.x_plane(),
                           0,
                           1,
                           run.points_step * g.dy_plane() - count * s.width()};
      for (int64_t c = 0; c < s.channels; c += kBroadcastPairs) {
        const float* pair[kBroadcastPairs];
        const int live = static_cast<int>(least(kBroadcastPairs, s.channels - c));
        for (int l = 0; l < live; ++l) pair[l] = a + (c + l) * g.pitch();
        multiply_pairs<float>(s.vectors, grid, pair, live, b, to + c * s.width(), !run.first);
      }
    }
    with_form(g, [&](auto form) {
      add_inverse<decltype(form)>(g, s.channels, s.vectors, products, sums, add);
    });
  }

  void write(int64_t task, const float* sums) {
    const Share s = share_of(task);
    const int64_t size = g.taps * g.taps, output = s.vector * kLanes;
    const int64_t row = g.channels * size;
    if (!write_weights(sums, s.channels * size, s.width(), least(s.width(), g.outputs - output),
                       dw + (s.group * g.outputs + output) * row + s.first_channel * size, row))
      __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
  }

  // All tasks of some blocks.
  void run_slice(int64_t slice, float* memory) const {
    const Tiles tiles = tiles_at(memory);
    float* rest = memory + g.unit();
    const int64_t first = g.blocks() * slice / g.slices, end = g.blocks() * (slice + 1) / g.slices;
    for (int64_t block = first; block < end; ++block) {
      const int64_t chunks_first = g.x_by_share ? dy_chunks() : chunks();
      for (int64_t chunk = 0; chunk < chunks_first; ++chunk) transform(block, chunk, tiles, rest);
      for (int64_t group = 0; group < g.groups; ++group) {
        for (int64_t share = 0; share < g.shares(); ++share) {
          for (int64_t o = 0; o < g.output_blocks; ++o) {
            const int64_t task = (group * g.output_blocks + o) * g.shares() + share;
            if (g.x_by_share && o == 0) {
              const Share s = share_of(task);
              transform_x(block, group * g.channels + s.first_channel, s.channels,
                          stage_of(block, rest), tiles.x);
            }
            multiply(block, task, tiles, rest, sums_of(slice, task), block > first);
          }
        }
      }
    }
  }
};

}  // namespace

bool winograd_weight_grad(const WinogradWeightGrad& g, const float* dy, const float* x,
                          const float* y, float* dw, const Context& context) {
  Call call(g, dy, x, y, dw, context);
  const size_t scratch = static_cast<size_t>(g.scratch());
  if (g.slices > 1) {
    parallel_for(context, g.slices, scratch, [&](int64_t slice, void* memory) {
      call.run_slice(slice, static_cast<float*>(memory));
    });
    parallel_for(context, g.tasks(), 0, [&](int64_t task, void*) {
      add_slices(call.sums_of(0, task), g.sums(), g.slices, g.tasks() * g.sums());
      call.write(task, call.sums_of(0, task));
    });
    return call.finite;
  }
  const Tiles tiles = call.shared_tiles();
  for (int64_t block = 0; block < g.blocks(); ++block) {
    parallel_for(context, call.chunks(), scratch,
                 [&](int64_t chunk, void* memory) { call.transform(block, chunk, tiles, memory); });
    parallel_for(context, g.tasks(), scratch, [&](int64_t task, void* memory) {
      float* products = static_cast<float*>(memory);
      float* sums = g.blocks() == 1 ? products + g.products() : call.sums_of(0, task);
      call.multiply(block, task, tiles, products, sums, block > 0);
      if (block + 1 == g.blocks()) call.write(task, sums);
    });
  }
  return call.finite;
}

}  // namespace striate::cpu::STRIATE_ISA
