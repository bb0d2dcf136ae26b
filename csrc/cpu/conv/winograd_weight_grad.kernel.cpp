// The weight gradient by Winograd's minimal filtering, F(3x3, 4x4) and F(5x5, 3x3): dy takes the
// filter's place, and the few sums that it makes as it slides over x are dw. dy is cut into tiles
// of 4x4 (3x3) pixels, x into the 6x6 (7x7) that each of them meets. In the domain of 36 (49)
// frequencies (core/formula/winograd.h) a tile costs as many multiplications for each pair of
// channels, where direct sums take 144 (225), and the sum over tiles is 36 (49) matrix products,
//   products[f] = x[f] (channels x tiles) x dy[f] (tiles x outputs).
// Where the filter moves by two, there are 81 products of 9x9 pixels of x and 25 points of dy's
// 4x4, which make 36 sums. Tiles go in blocks, and blocks in slices. A slice is one task: for each
// of its blocks it transforms x and dy within its core's cache, multiplies, and adds the inverse
// transform to sums of its own; the slices' sums are then added in order. The inverse in every
// block costs some percent, and spares a sum for each frequency and pair of channels in memory.
// Where channels are too many for that, or tiles too few, there is one slice, whose transforms and
// products are shared out to tasks that each own some outputs and channels.
#include "cpu/conv/winograd_weight_grad.h"

#include "cpu/conv/broadcast.h"
#include "cpu/conv/winograd_weight_grad_tiles.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int kLanes = Floats::lanes;

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
  // Of an output block's dy, where a unit has all groups', or one group's, or this alone.
  int64_t dy_start(int64_t group, int64_t output_block) const {
    const int64_t before = g.slices == 1 || g.x_by_share ? first_vector(output_block) * kLanes : 0;
    return ((g.slices == 1 ? group * g.padded_outputs() : 0) + before) * g.tiles_per_block;
  }

  // The chunks of a shared block's transform: dy's vectors, in pieces of the block, and x's
  // channels.
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

  // A vector of outputs, of some of the block's tiles.
  void transform_dy_vector(int64_t block, int64_t first, int64_t count, int64_t group,
                           int64_t output_block, int64_t vector, const Stage& stage,
                           float* out) const {
    const int64_t slab = first_vector(output_block);
    const int64_t width = (first_vector(output_block + 1) - slab) * kLanes;
    const int64_t output = vector * kLanes;
    const int64_t start = (group * g.outputs + output) * g.dst[0] * g.dst[1];
    with_form(g, [&](auto form) {
      float copy[kLanes * kCopyPitch];
      transform_dy<decltype(form)>(
          g, block, first, count, dy + start, y == nullptr ? nullptr : y + start,
          least(kLanes, g.outputs - output), stage, copy,
          out + dy_start(group, output_block) + (vector - slab) * kLanes, width);
    });
  }

  // An output block's, of all of the block's tiles.
  void transform_dy_block(int64_t block, int64_t group, int64_t output_block, const Stage& stage,
                          float* out) const {
    for (int64_t v = first_vector(output_block); v < first_vector(output_block + 1); ++v)
      transform_dy_vector(block, 0, g.tiles_in(block), group, output_block, v, stage, out);
  }

  // One of the chunks that transform a shared block.
  void transform_chunk(int64_t block, int64_t chunk, const Tiles& tiles, void* memory) const {
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
    int64_t output_block = 0;
    while (first_vector(output_block + 1) <= vector) ++output_block;
    transform_dy_vector(block, first, least(kTilesPerChunk, count - first),
                        chunk / dy_pieces() / vectors(), output_block, vector, stage, tiles.dy);
  }

  // Some outputs and channels of one group.
  struct Share {
    int64_t group, first_channel, channels, output_block, vector;
    int vectors;
    int64_t width() const { return vectors * kLanes; }
  };
  int64_t task_of(int64_t group, int64_t output_block, int64_t share) const {
    return (group * g.output_blocks + output_block) * g.shares() + share;
  }
  Share share_of(int64_t task) const {
    Share s;
    const int64_t share = task % g.shares();
    s.output_block = task / g.shares() % g.output_blocks;
    s.group = task / g.shares() / g.output_blocks;
    s.first_channel = g.panels * share / g.shares() * kBroadcastPairs;
    s.channels =
        least(g.panels * (share + 1) / g.shares() * kBroadcastPairs, g.channels) - s.first_channel;
    s.vector = first_vector(s.output_block);
    s.vectors = static_cast<int>(first_vector(s.output_block + 1) - s.vector);
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
    const WinogradRuns& runs = g.runs();
    // What comes before the task's channels in a unit: of all groups, or of its own, or none.
    const int64_t channel =
        (g.slices == 1 ? s.group * g.channels : 0) + (g.x_by_share ? 0 : s.first_channel);
    for (int64_t k = 0; k < runs.count; ++k) {
      const WinogradRun& run = runs.at[k];
      const float* a = tiles.x + run.parted * g.x_plane() + channel * g.pitch();
      const float* b = tiles.dy + dy_start(s.group, s.output_block) + run.points * g.dy_plane();
      float* to = products + run.weights * g.products_plane();
      for (int64_t c = 0; c < s.channels; c += kBroadcastPairs) {
        const int live = static_cast<int>(least(kBroadcastPairs, s.channels - c));
        for (int64_t t = 0; t < count; t += g.tiles_per_sum) {
          const int64_t terms = least(g.tiles_per_sum, count - t);
          const PixelGrid grid{run.count,
                               1,
                               terms,
                               run.parted_step * g.x_plane(),
                               0,
                               1,
                               run.points_step * g.dy_plane() - terms * s.width()};
          const float* pair[kBroadcastPairs];
          for (int l = 0; l < live; ++l) pair[l] = a + (c + l) * g.pitch() + t;
          multiply_pairs<float>(s.vectors, grid, pair, live, b + t * s.width(), to + c * s.width(),
                                !run.first || t > 0);
        }
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

  // All tasks of some blocks. What is transformed at a time stays in the core's own cache.
  void run_slice(int64_t slice, void* memory) const {
    float* unit = static_cast<float*>(memory) + g.stage_bytes() / 4;
    const Tiles tiles = tiles_at(unit);
    float* products = unit + g.unit();
    const int64_t first = g.blocks() * slice / g.slices, end = g.blocks() * (slice + 1) / g.slices;
    for (int64_t block = first; block < end; ++block) {
      const Stage stage = stage_of(block, memory);
      const auto multiply_task = [&](int64_t task) {
        multiply(block, task, tiles, products, sums_of(slice, task), block > first);
      };
      for (int64_t group = 0; group < g.groups; ++group) {
        if (g.x_by_share) {
          for (int64_t o = 0; o < g.output_blocks; ++o)
            transform_dy_block(block, group, o, stage, tiles.dy);
          for (int64_t share = 0; share < g.shares(); ++share) {
            const Share s = share_of(task_of(group, 0, share));
            transform_x(block, group * g.channels + s.first_channel, s.channels, stage, tiles.x);
            for (int64_t o = 0; o < g.output_blocks; ++o) multiply_task(task_of(group, o, share));
          }
        } else {
          transform_x(block, group * g.channels, g.channels, stage, tiles.x);
          for (int64_t o = 0; o < g.output_blocks; ++o) {
            transform_dy_block(block, group, o, stage, tiles.dy);
            for (int64_t share = 0; share < g.shares(); ++share)
              multiply_task(task_of(group, o, share));
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
    parallel_for(context, g.slices, scratch,
                 [&](int64_t slice, void* memory) { call.run_slice(slice, memory); });
    parallel_for(context, g.tasks(), 0, [&](int64_t task, void*) {
      add_slices(call.sums_of(0, task), g.sums(), g.slices, g.tasks() * g.sums());
      call.write(task, call.sums_of(0, task));
    });
    return call.finite;
  }
  const Tiles tiles = call.shared_tiles();
  for (int64_t block = 0; block < g.blocks(); ++block) {
    parallel_for(context, call.chunks(), scratch, [&](int64_t chunk, void* memory) {
      call.transform_chunk(block, chunk, tiles, memory);
    });
    parallel_for(context, g.tasks(), scratch, [&](int64_t task, void* memory) {
      float* products = static_cast<float*>(memory) + g.stage_bytes() / 4;
      float* sums = g.blocks() == 1 ? products + g.products() : call.sums_of(0, task);
      call.multiply(block, task, tiles, products, sums, block > 0);
      if (block + 1 == g.blocks()) call.write(task, sums);
    });
  }
  return call.finite;
}

}  // namespace striate::cpu::STRIATE_ISA
