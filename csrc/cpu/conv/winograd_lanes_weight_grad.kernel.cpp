// The weight gradient of convolutions in groups by Winograd's minimal filtering, F(3x3, 4x4), with
// channels as lanes (winograd_lanes.kernel.cpp). A task takes one block of groups and a share of
// the units: it adds up, in the domain of frequencies,
//   sums[f][channel][output] = sum over tiles of  x[f][tile][channel] * dy[f][tile][output]
// and transforms the sums back once, at the end. Shares have results of their own, which are added
// in order. Groups that share a vector meet each other's channels; those sums are dropped.
#include "cpu/conv/broadcast.h"
#include "cpu/conv/winograd_lanes.h"
#include "cpu/conv/winograd_lanes_tiles.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

constexpr int kLanes = Floats::lanes;

// Sums in registers: channels by one or two vectors of outputs.
constexpr int kChannels[2] = {kLanes, kLanes > 4 ? kLanes / 2 : kLanes};

// sums[channel][output] = (or, to add, +=) sum over tiles. Not inlined: what surrounds it must not
// take registers from the sums.
template <int channels, int vectors>
__attribute__((noinline)) void add_tiles(int64_t tiles, const float* x, const float* dy,
                                         int64_t dy_step, float* sums, int64_t width, bool add) {
  Floats sum[channels][vectors];
#pragma GCC unroll 16
  for (int m = 0; m < channels; ++m)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[m][v] = Floats::zero();
  for (int64_t t = 0; t < tiles; ++t, x += kLanes, dy += kLanes) {
    Floats columns[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) columns[v] = Floats::load(dy + v * dy_step);
#pragma GCC unroll 16
    for (int m = 0; m < channels; ++m) {
      const Floats value = Floats::set(x[m]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[m][v] = fma(value, columns[v], sum[m][v]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < channels; ++m)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      float* to = sums + m * width + v * kLanes;
      (add ? Floats::load(to) + sum[m][v] : sum[m][v]).store(to);
    }
}

// One or two vectors of outputs, all channels.
template <int vectors>
STRIATE_INLINE void add_outputs(const WinogradLanes& g, int64_t tiles, const float* x,
                                const float* dy, float* sums, bool add) {
  constexpr int channels = kChannels[vectors - 1];
  const int64_t step = g.tiles_per_chunk() * kLanes;
  for (int64_t c = 0; c < g.channel_vectors * kLanes; c += channels)
    add_tiles<channels, vectors>(tiles, x + c / kLanes * step + c % kLanes, dy, step,
                                 sums + c * g.width(), g.width(), add);
}

// G d G^T of a tile of dy, to out[frequency * plane].
STRIATE_INLINE void transform_dy(const float* from, int64_t pitch, float* out, int64_t plane) {
  Floats half[6][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    Floats d[4], o[6];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) d[i] = Floats::load(from + i * pitch + j * kLanes);
    formula::winograd_weights<4>(d, o);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) half[i][j] = o[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    Floats o[6];
    formula::winograd_weights<4>(half[i], o);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) o[j].store(out + (i * 6 + j) * plane);
  }
}

struct Call {
  const WinogradLanes& g;
  const float *dy, *x, *y;
  float* dw;
  bool finite = true;

  // Units [first, end) of a block's x, in the domain of frequencies, as [frequency][vector of
  // channels][tile][lane]. Returns how many tiles there are.
  int64_t transform_x(int64_t block, int64_t first, int64_t end, float* stage, float* out) const {
    const Reach columns = g.columns();
    const int64_t pitch = columns.size() * kLanes;
    const float* origin = stage + (g.origin[1] - columns.first) * kLanes;
    int64_t tiles = 0;
    for (int64_t i = first; i < end; ++i) {
      const Unit unit(g, i);
      for (int64_t v = 0; v < g.channel_vectors; ++v) {
        stage_unit(g, block, v, unit, x, nullptr, stage);
        float* to = out + (v * g.tiles_per_chunk() + tiles) * kLanes;
        for (int64_t r = 0; r < unit.end_row - unit.first_row; ++r)
          for (int64_t c = 0; c < g.tiles[1]; ++c, to += kLanes)
            transform_tile(origin + 4 * r * pitch + 4 * c * kLanes, pitch, to, g.x_plane());
      }
      tiles += unit.tiles(g);
    }
    return tiles;
  }

  // The same for dy.
  void transform_outputs(int64_t block, int64_t first, int64_t end, float* stage,
                         float* out) const {
    const int64_t plane = g.dst[0] * g.dst[1], outputs = g.groups_in(block) * g.rows;
    const Reach columns{0, 4 * g.tiles[1]};
    const int64_t pitch = columns.size() * kLanes;
    int64_t tiles = 0;
    for (int64_t i = first; i < end; ++i) {
      const Unit unit(g, i);
      const int64_t start = (unit.sample * g.groups + block * g.members) * g.rows * plane;
      for (int64_t v = 0; v < g.row_vectors; ++v) {
        stage_planes(LanePlanes<float>(v, outputs, plane), g.dst, dy + start,
                     y == nullptr ? nullptr : y + start,
                     Reach{4 * unit.first_row, 4 * unit.end_row}, columns, stage);
        float* to = out + (v * g.tiles_per_chunk() + tiles) * kLanes;
        for (int64_t r = 0; r < unit.end_row - unit.first_row; ++r)
          for (int64_t c = 0; c < g.tiles[1]; ++c, to += kLanes)
            transform_dy(stage + 4 * r * pitch + 4 * c * kLanes, pitch, to, g.dy_plane());
      }
      tiles += unit.tiles(g);
    }
  }

  // A^T s A of what belongs to one group each, as [vector of outputs][channel][tap][lane].
  void invert(int64_t block, const float* sums, float* out) const {
    const int64_t plane = g.sums_plane(), groups = g.groups_in(block);
    for (int64_t v = 0; v < g.row_vectors; ++v) {
      for (int64_t c = 0; c < g.channels; ++c) {
        const float* from = sums + c * g.width() + v * kLanes;
        const auto sum = [&](int f) {
          const float* at = from + f * plane;
          if (g.members == 1) return Floats::load(at);
          Floats all = Floats::zero();
          for (int64_t k = 0; k < groups; ++k)
            all =
                all + LaneSet<float>::range(k * g.rows - v * kLanes, (k + 1) * g.rows - v * kLanes)
                          .load(at + k * g.channels * g.width());
          return all;
        };
        Floats half[3][6];
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
          Floats p[6], o[3];
#pragma GCC unroll 6
          for (int i = 0; i < 6; ++i) p[i] = sum(i * 6 + j);
          formula::winograd_output<3>(p, o);
#pragma GCC unroll 3
          for (int i = 0; i < 3; ++i) half[i][j] = o[i];
        }
#pragma GCC unroll 3
        for (int i = 0; i < 3; ++i) {
          Floats o[3];
          formula::winograd_output<3>(half[i], o);
#pragma GCC unroll 3
          for (int j = 0; j < 3; ++j) o[j].store(out + (i * 3 + j) * kLanes);
        }
        out += 9 * kLanes;
      }
    }
  }

  // A share's result for one block.
  void run_task(int64_t block, int64_t split, float* memory, float* out) const {
    float* source = memory;
    float* outputs = source + kFrequencies * g.x_plane();
    float* sums = outputs + kFrequencies * g.dy_plane();
    float* stage = sums + kFrequencies * g.sums_plane();
    const int64_t begin = g.units * split / g.splits, stop = g.units * (split + 1) / g.splits;
    const int64_t step = g.tiles_per_chunk() * kLanes;
    for (int64_t first = begin; first < stop; first += g.units_per_chunk) {
      const int64_t end = least(first + g.units_per_chunk, stop);
      const int64_t tiles = transform_x(block, first, end, stage, source);
      transform_outputs(block, first, end, stage, outputs);
      for (int64_t f = 0; f < kFrequencies; ++f) {
        const float* a = source + f * g.x_plane();
        const float* b = outputs + f * g.dy_plane();
        float* to = sums + f * g.sums_plane();
        int64_t v = 0;
        for (; v + 2 <= g.row_vectors; v += 2)
          add_outputs<2>(g, tiles, a, b + v * step, to + v * kLanes, first > begin);
        if (v < g.row_vectors)
          add_outputs<1>(g, tiles, a, b + v * step, to + v * kLanes, first > begin);
      }
    }
    invert(block, sums, out);
  }

  void write(int64_t block, const float* result) {
    const int64_t row = g.channels * 9, outputs = g.groups_in(block) * g.rows;
    Floats check = Floats::zero();
    for (int64_t i = 0; i < g.block_result(); i += kLanes)
      check = fma(Floats::load(result + i), Floats::zero(), check);
    if (any(is_nan(check))) __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    for (int64_t v = 0; v < g.row_vectors; ++v)
      store_planes(LanePlanes<float>(v, outputs, row), result + v * row * kLanes, row,
                   dw + block * g.members * g.rows * row);
  }
};

}  // namespace

bool winograd_lanes_weight_grad(const WinogradLanes& g, const float* dy, const float* x,
                                const float* y, float* dw, const Context& context) {
  Call call{g, dy, x, y, dw};
  const Workspace<float> shared(context, g.shared_sums());
  const size_t scratch = static_cast<size_t>(g.weight_grad_scratch()) * sizeof(float);
  parallel_for(context, g.blocks * g.splits, scratch, [&](int64_t task, void* buffer) {
    float* memory = static_cast<float*>(buffer);
    const int64_t block = task / g.splits;
    if (g.splits > 1)
      return call.run_task(block, task % g.splits, memory, shared.data() + task * g.block_result());
    float* own = memory + g.weight_grad_scratch() - g.block_result();
    call.run_task(block, 0, memory, own);
    call.write(block, own);
  });
  if (g.splits > 1)
    parallel_for(context, g.blocks, 0, [&](int64_t block, void*) {
      float* result = shared.data() + block * g.splits * g.block_result();
      add_slices(result, g.block_result(), g.splits, g.block_result());
      call.write(block, result);
    });
  return call.finite;
}

}  // namespace striate::cpu::STRIATE_ISA
