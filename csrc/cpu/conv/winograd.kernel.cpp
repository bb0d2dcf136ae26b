// Convolution by Winograd's minimal filtering, F(4x4, 3x3) and F(2x2, 5x5), and their input
// gradients, which are the same with flipped filters. The result is cut into tiles of 4x4 (2x2)
// pixels, each seeing 6x6 of the source. In the domain of 36 frequencies (core/formula/winograd.h)
// a tile costs 36 multiplications for each pair of channels, where direct sums take 144 (100): 36
// matrix products (rows x channels) x (channels x tiles), and then the inverse transform, bias and
// activation. Few tiles are those of F(2x2, 3x3), which see 4x4 and cost 16 instead of 36. A 3x3
// filter that moves by two takes 81 products instead of 144: of 9x9 pixels, to 25 sums and 4x4
// results; or, in its input gradient, of 5x5 pixels at 25 points, to 8x8 results. Larger windows
// that move by s are sums over their s*s phases (the pixels, and the taps, modulo s), each of which
// moves by one and has three or four taps: phases are channels of their own. Work is cut into
// blocks of tiles and of rows. The transformed weights are made once and shared by all tasks, each
// of which transforms its own tiles, so that these stay in its core's cache; where the weights
// outgrow the tiles by far it is the other way round. Small problems share both, to have enough
// tasks.
#include "cpu/conv/winograd.h"

#include "cpu/conv/winograd_filters.h"
#include "cpu/conv/winograd_output.h"
#include "cpu/conv/winograd_phases.h"
#include "cpu/conv/winograd_tiles.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int kLanes = Floats::lanes;

// Planes of weights and tiles whose products have one sum.
struct Factors {
  const float* weights[4];
  const float* tiles[4];
  int count;
};

// Not inlined: what surrounds it must not take registers from the sums.
template <int rows, int vectors>
__attribute__((noinline)) void multiply_panel(int64_t depth, const Factors& factors, int64_t a,
                                              int64_t b, int64_t b_step, float* out, int64_t pitch,
                                              bool add) {
  Floats sum[rows][vectors];
  clear_tile(sum);
  for (int i = 0; i < factors.count; ++i)
    add_to_tile<float, rows, vectors>(depth, factors.weights[i] + a, PackedRows{},
                                      factors.tiles[i] + b, EvenRows{b_step}, sum);
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      float* to = out + m * pitch + v * kLanes;
      if (add) sum[m][v] = sum[m][v] + Floats::load(to);
      sum[m][v].store(to);
    }
  }
}

// The products of some channels, `add` false for the first of them.
void multiply(const Winograd& g, int64_t row_block, int64_t channels, const float* weights,
              int64_t weights_plane, const float* tiles, int64_t count, float* products, bool add) {
  const int64_t panels = g.panels_in(row_block);
  const int64_t first_row = row_block * g.panels_per_block * kTileRows;
  const int64_t pitch = g.tiles_per_block;
  const int64_t vectors = ceil_div(count, kLanes);
  const WinogradProducts& list = g.list();
  for (int k = 0; k < list.count;) {
    float* out =
        products + (g.flipped ? list.at[k].parted : list.at[k].points) * g.products_plane();
    Factors factors;
    factors.count = 0;
    do {
      const WinogradProduct& item = list.at[k++];
      factors.weights[factors.count] = weights + item.weights * weights_plane;
      factors.tiles[factors.count++] =
          tiles + (g.flipped ? item.points : item.parted) * g.tiles_plane();
    } while (!g.flipped && k < list.count && !list.at[k].first_of_points);
    for (int64_t v = 0; v < vectors;) {
      const int64_t rest = vectors - v;
      // Four vectors are better cut in two halves than as three and one.
      const int width =
          static_cast<int>(rest == 4 && kTileVectors == 3 ? 2 : least(rest, kTileVectors));
      for (int64_t p = 0; p < panels; ++p) {
        const int64_t live = least(kTileRows, g.rows - first_row - p * kTileRows);
        with_tile_rows(static_cast<int>(live), [&](auto rows) {
          with_tile_vectors(width, [&](auto columns) {
            multiply_panel<decltype(rows)::get, decltype(columns)::get>(
                channels, factors, p * channels * kTileRows, v * kLanes, pitch,
                out + p * kTileRows * pitch + v * kLanes, pitch, add);
          });
        });
      }
      v += width;
    }
  }
}

// A worker's scratch, in its parts.
struct Scratch {
  Stage stage;
  Places places;
  float* weights;
  float* tiles;
  float* products;

  Scratch(const Winograd& g, void* memory) {
    char* at = static_cast<char*>(memory);
    const auto take = [&](int64_t bytes) {
      char* part = at;
      at += (bytes + 63) / 64 * 64;
      return part;
    };
    const int64_t tiles_count = g.tiles_per_block;
    products = reinterpret_cast<float*>(take(4 * g.products()));
    weights = reinterpret_cast<float*>(
        take(g.share_weights ? 0 : 4 * g.weights_unit(g.panels_per_block)));
    tiles = reinterpret_cast<float*>(take(g.share_tiles ? 0 : 4 * g.tiles_unit()));
    stage.rows = reinterpret_cast<float*>(take(4 * g.stage()));
    stage.pitch = g.stage_pitch();
    stage.offset = reinterpret_cast<int32_t*>(take(4 * tiles_count));
    places.offset = reinterpret_cast<int64_t*>(take(8 * tiles_count));
    places.top = reinterpret_cast<int8_t*>(take(4 * tiles_count));
    places.left = places.top + tiles_count;
    places.height = places.left + tiles_count;
    places.width = places.height + tiles_count;
  }
};

// The transforms of a kind of window.
template <int taps, bool of_phases = false>
struct UnitForm {
  static constexpr bool phases = of_phases;
  using Tile = UnitTile<6>;
  using Filter = UnitFilter<taps>;
  using Result = PointsResult<7 - taps, 6>;
};
struct SmallForm {
  static constexpr bool phases = false;
  using Tile = UnitTile<4>;
  using Filter = SmallFilter;
  using Result = PointsResult<2, 4>;
};
struct StridedForm {
  static constexpr bool phases = false;
  using Tile = StridedTile;
  using Filter = StridedFilter;
  using Result = PointsResult<4, 5>;
};
struct StridedGradientForm {
  static constexpr bool phases = false;
  using Tile = PointsTile;
  using Filter = StridedFilter;
  using Result = AlternatingResult;
};

template <class Form>
class Task {
 public:
  Task(const Winograd& plan, const float* source, const float* source_mask, const float* filters,
       const float* added, bool with_relu, float* result)
      : g(plan),
        src(source),
        mask(source_mask),
        w(filters),
        bias(added),
        relu(with_relu),
        dst(result) {}

  const Winograd& g;
  const float *src, *mask, *w, *bias;
  bool relu;
  float* dst;
  float* weights = nullptr;  // shared, or null
  float* tiles = nullptr;
  bool finite = true;

  float* weights_of(int64_t group, int64_t row_block, int64_t depth) const {
    const int64_t channels = least(g.depth_block, g.channels - depth * g.depth_block);
    return weights + (group * g.depth_blocks() + depth) * g.weights_unit(g.row_panels) +
           row_block * g.panels_per_block * kTileRows * channels;
  }
  float* tiles_of(int64_t group, int64_t block) const {
    return tiles + (group * g.blocks() + block) * g.tiles_unit();
  }

  void make_weights(int64_t group, int64_t row_block, int64_t depth, float* out,
                    int64_t plane) const {
    const int64_t first = depth * g.depth_block;
    transform_weights<typename Form::Filter>(g, w + group * g.w_group, row_block, first,
                                             least(g.depth_block, g.channels - first), out, plane);
  }

  // Channels [first, first + channels) of a block's tiles, to `out`.
  void make_tiles(int64_t group, int64_t block, int64_t first, int64_t channels, const Stage& stage,
                  float* out) const {
    const int64_t plane = g.tiles.src[0] * g.tiles.src[1];
    if constexpr (Form::phases) {
      const int64_t sources = g.channels / (g.phases * g.phases);
      transform_phases<typename Form::Tile>(g.tiles, g.phases, g.first_tile(block),
                                            g.tiles_in(block), src + group * sources * plane, first,
                                            channels, g.groups * sources * plane, stage, out,
                                            g.tiles_per_block, g.tiles_plane());
      return;
    }
    const int64_t start = (group * g.channels + first) * plane;
    transform_tiles<typename Form::Tile>(g.tiles, g.first_tile(block), g.tiles_in(block),
                                         src + start, mask == nullptr ? nullptr : mask + start,
                                         channels, g.groups * g.channels * plane, stage, out,
                                         g.tiles_per_block, g.tiles_plane());
  }

  void finish(int64_t group, int64_t row_block, int64_t block, const Scratch& s,
              const float* products) {
    const int64_t first_row = group * g.rows;
    if (!invert<typename Form::Result>(g, row_block, g.tiles_in(block), products,
                                       bias == nullptr ? nullptr : bias + first_row, relu, s.stage,
                                       s.places, dst + first_row * g.dst[0] * g.dst[1]))
      __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
  }

  void place(int64_t block, const Scratch& s) const {
    prepare_stage(g.tiles, g.first_tile(block), g.tiles_in(block), s.stage);
    find_places(g, g.first_tile(block), g.tiles_in(block), s.places);
  }

  // One block of tiles, and one row block or all of them.
  void run_tiles(int64_t group, int64_t block, int64_t first_row_block, int64_t end_row_block,
                 const Scratch& s) {
    place(block, s);
    const float* all = s.tiles;
    if (g.share_tiles)
      all = tiles_of(group, block);
    else if (!g.tiles_by_depth)
      make_tiles(group, block, 0, g.channels, s.stage, s.tiles);
    for (int64_t r = first_row_block; r < end_row_block; ++r) {
      for (int64_t d = 0; d < g.depth_blocks(); ++d) {
        const int64_t first = d * g.depth_block;
        const int64_t channels = least(g.depth_block, g.channels - first);
        if (g.tiles_by_depth) make_tiles(group, block, first, channels, s.stage, s.tiles);
        multiply(g, r, channels, weights_of(group, r, d), g.weights_plane(g.row_panels),
                 all + (g.tiles_by_depth ? 0 : first * g.tiles_per_block), g.tiles_in(block),
                 s.products, d > 0);
      }
      finish(group, r, block, s, s.products);
    }
  }

  // One row block, all tiles.
  void run_rows(int64_t group, int64_t row_block, const Scratch& s) {
    const int64_t unit = g.products_unit();
    for (int64_t d = 0; d < g.depth_blocks(); ++d) {
      const int64_t first = d * g.depth_block;
      make_weights(group, row_block, d, s.weights, g.weights_plane(g.panels_per_block));
      for (int64_t b = 0; b < g.blocks(); ++b)
        multiply(g, row_block, least(g.depth_block, g.channels - first), s.weights,
                 g.weights_plane(g.panels_per_block),
                 tiles_of(group, b) + first * g.tiles_per_block, g.tiles_in(b),
                 s.products + b * unit, d > 0);
    }
    for (int64_t b = 0; b < g.blocks(); ++b) {
      place(b, s);
      finish(group, row_block, b, s, s.products + b * unit);
    }
  }
};

// Channels of a block's tiles that one chunk transforms.
constexpr int64_t kChannelsPerChunk = 16;

// One of the chunks that transform all filters.
template <class Form>
void weights_chunk(const Task<Form>& task, int64_t chunk) {
  const Winograd& g = task.g;
  const int64_t depth = chunk % g.depth_blocks();
  const int64_t row_block = chunk / g.depth_blocks() % g.row_blocks();
  const int64_t group = chunk / g.depth_blocks() / g.row_blocks();
  task.make_weights(group, row_block, depth, task.weights_of(group, row_block, depth),
                    g.weights_plane(g.row_panels));
}

int64_t weights_chunks(const Winograd& g) { return g.groups * g.row_blocks() * g.depth_blocks(); }

template <class Form>
void pack(const Winograd& g, const float* w, float* packed, const Context& context) {
  Task<Form> task(g, nullptr, nullptr, w, nullptr, false, nullptr);
  task.weights = packed;
  parallel_for(context, weights_chunks(g), 0,
               [&](int64_t chunk, void*) { weights_chunk(task, chunk); });
}

template <class Form>
bool run(const Winograd& plan, const float* src, const float* mask, const float* w,
         const float* packed, const float* bias, bool relu, float* dst, const Context& context) {
  Winograd g = plan;
  if (packed != nullptr) g.share_weights = true;
  const Workspace<float> weights(context, packed == nullptr ? g.shared_weights() : 0);
  const Workspace<float> tiles(context, g.shared_tiles());
  Task<Form> task(g, src, mask, w, bias, relu, dst);
  task.weights = packed == nullptr ? weights.data() : const_cast<float*>(packed);
  task.tiles = tiles.data();
  const size_t scratch = static_cast<size_t>(g.scratch());

  const int64_t weight_chunks = weights.data() == nullptr ? 0 : weights_chunks(g);
  const int64_t channel_chunks = ceil_div(g.channels, kChannelsPerChunk);
  const int64_t tile_chunks = g.share_tiles ? g.groups * g.blocks() * channel_chunks : 0;
  parallel_for(context, weight_chunks + tile_chunks, scratch, [&](int64_t chunk, void* memory) {
    if (chunk < weight_chunks) return weights_chunk(task, chunk);
    chunk -= weight_chunks;
    const Scratch s(g, memory);
    const int64_t first = chunk % channel_chunks * kChannelsPerChunk;
    const int64_t block = chunk / channel_chunks % g.blocks();
    const int64_t group = chunk / channel_chunks / g.blocks();
    prepare_stage(g.tiles, g.first_tile(block), g.tiles_in(block), s.stage);
    task.make_tiles(group, block, first, least(kChannelsPerChunk, g.channels - first), s.stage,
                    task.tiles_of(group, block) + first * g.tiles_per_block);
  });
  if (!g.share_weights) {
    parallel_for(context, g.groups * g.row_blocks(), scratch, [&](int64_t chunk, void* memory) {
      task.run_rows(chunk / g.row_blocks(), chunk % g.row_blocks(), Scratch(g, memory));
    });
  } else {
    const int64_t splits = g.share_tiles ? g.row_blocks() : 1;
    parallel_for(context, g.groups * g.blocks() * splits, scratch,
                 [&](int64_t chunk, void* memory) {
                   const int64_t split = chunk % splits, block = chunk / splits % g.blocks();
                   task.run_tiles(chunk / splits / g.blocks(), block, splits == 1 ? 0 : split,
                                  splits == 1 ? g.row_blocks() : split + 1, Scratch(g, memory));
                 });
  }
  return task.finite;
}

// Calls body with the form of the plan's window.
template <class Body>
STRIATE_INLINE auto with_form(const Winograd& g, const Body& body) {
  if (g.phases > 1) {
    if (g.taps == 4) return body(UnitForm<4, true>{});
    return body(UnitForm<3, true>{});
  }
  if (g.small) return body(SmallForm{});
  if (g.taps == 5) return body(UnitForm<5>{});
  if (g.stride == 1) return body(UnitForm<3>{});
  return g.flipped ? body(StridedGradientForm{}) : body(StridedForm{});
}

}  // namespace

void winograd_pack(const Winograd& g, const float* w, float* packed, const Context& context) {
  with_form(g, [&](auto form) { pack<decltype(form)>(g, w, packed, context); });
}

bool winograd_conv(const Winograd& g, const float* src, const float* mask, const float* w,
                   const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context) {
  return with_form(g, [&](auto form) {
    return run<decltype(form)>(g, src, mask, w, packed, bias, relu, dst, context);
  });
}

}  // namespace striate::cpu::STRIATE_ISA
