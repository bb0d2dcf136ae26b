// The weight gradient of a convolution in many groups, groups as vector lanes: each lane adds up
// its own group's products of dy and x, so nothing is summed across lanes. A task takes one block
// of groups and a share of the (sample, band of rows) units; for each unit it transposes dy and the
// x under it to one vector a pixel and adds, a few weights at a time, the band's products in
// registers. The shares' sums are added up in order, and each lane's go to its group's weights.
#include "cpu/conv/group_lanes.h"
#include "cpu/conv/lane_planes.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Sums in registers: outputs by taps, and taps where a group has fewer outputs.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kOutputs = 4;
inline constexpr int kTaps = 6;
#else
inline constexpr int kOutputs = 2;
inline constexpr int kTaps = 5;
#endif
inline constexpr int kTapsAlone = 9;

// Sizes and steps of a unit, in elements.
struct Unit {
  int64_t rows, columns;    // of dy
  int64_t dy_output;        // from one output's dy to the next
  int64_t x_row, x_column;  // from one pixel of dy to the next, in x
  int64_t sum_output;       // from one output's sums to the next
};

// sum[output][tap] += dy * x over the band, for taps at x + offset[t].
template <class T, int outputs, int taps>
STRIATE_INLINE void add_taps(const Unit& u, const T* dy, const T* x, const int64_t* offset,
                             T* sums) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[outputs][taps];
  const T* tap[taps];
#pragma GCC unroll 9
  for (int t = 0; t < taps; ++t) {
    tap[t] = x + offset[t];
#pragma GCC unroll 4
    for (int o = 0; o < outputs; ++o) sum[o][t] = Vec<T>::zero();
  }
  for (int64_t r = 0; r < u.rows; ++r) {
    const int64_t start = r * u.x_row;
    for (int64_t i = 0; i < u.columns; ++i) {
      Vec<T> d[outputs];
#pragma GCC unroll 4
      for (int o = 0; o < outputs; ++o) d[o] = Vec<T>::load(dy + o * u.dy_output);
      dy += lanes;
#pragma GCC unroll 9
      for (int t = 0; t < taps; ++t) {
        const Vec<T> value = Vec<T>::load(tap[t] + start + i * u.x_column);
#pragma GCC unroll 4
        for (int o = 0; o < outputs; ++o) sum[o][t] = fma(d[o], value, sum[o][t]);
      }
    }
  }
#pragma GCC unroll 4
  for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 9
    for (int t = 0; t < taps; ++t) {
      T* to = sums + o * u.sum_output + t * lanes;
      (Vec<T>::load(to) + sum[o][t]).store(to);
    }
  }
}

template <class T, int outputs, int most>
void add_channel(const Unit& u, int64_t taps, const int64_t* offset, const T* dy, const T* x,
                 T* sums) {
  const int64_t pieces = ceil_div(taps, most);
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t first = i * taps / pieces;
    with_count<most>((i + 1) * taps / pieces - first, [&](auto count) {
      add_taps<T, outputs, decltype(count)::get>(u, dy, x, offset + first,
                                                 sums + first * Vec<T>::lanes);
    });
  }
}

template <class T>
int64_t offsets_bytes(const GroupLanes& g) {
  return ceil_div(g.kernel[0] * g.kernel[1] * 8, 64) * 64;
}

// One (sample, band) unit of a block of groups, added to sums[output][channel][tap][lane].
template <class T>
void add_unit(const GroupLanes& g, int64_t block, int64_t sample, int64_t index, const T* dy,
              const T* x, const T* y, const int64_t* offset, T* stage, T* dy_stage, T* sums) {
  constexpr int lanes = Vec<T>::lanes;
  const Reach band{index * g.band, least((index + 1) * g.band, g.dst[0])};
  const Reach seen = g.reach(0, band.first, band.end);
  const int64_t x_plane = g.src[0] * g.src[1], dy_plane = g.dst[0] * g.dst[1];
  const int64_t pitch = g.columns.size() * lanes, x_channel = seen.size() * pitch;
  const int64_t taps = g.kernel[0] * g.kernel[1];
  const LanePlanes<T> xs(block, g.groups, g.channels * x_plane);
  for (int64_t c = 0; c < g.channels; ++c)
    stage_planes<T>(xs, g.src, x + (sample * g.groups * g.channels + c) * x_plane, nullptr, seen,
                    g.columns, stage + c * x_channel);
  const LanePlanes<T> dys(block, g.groups, g.rows * dy_plane);
  for (int64_t o = 0; o < g.rows; ++o) {
    const int64_t start = (sample * g.groups * g.rows + o) * dy_plane;
    stage_planes<T>(dys, g.dst, dy + start, y == nullptr ? nullptr : y + start, band, {0, g.dst[1]},
                    dy_stage + o * g.result());
  }
  Unit u;
  u.rows = band.size();
  u.columns = g.dst[1];
  u.dy_output = g.result();
  u.x_row = g.stride[0] * pitch;
  u.x_column = g.stride[1] * lanes;
  u.sum_output = g.channels * taps * lanes;
  const T* origin = stage - (g.pad[1] + g.columns.first) * lanes;
  for (int64_t o = 0; o < g.rows;) {
    const int64_t width = g.rows - o >= kOutputs ? kOutputs : 1;
    for (int64_t c = 0; c < g.channels; ++c) {
      const T* d = dy_stage + o * g.result();
      T* to = sums + o * u.sum_output + c * taps * lanes;
      if (width == 1)
        add_channel<T, 1, kTapsAlone>(u, taps, offset, d, origin + c * x_channel, to);
      else
        add_channel<T, kOutputs, kTaps>(u, taps, offset, d, origin + c * x_channel, to);
    }
    o += width;
  }
}

template <class T>
void run(const GroupLanes& g, const ConvProblem& problem, const T* dy, const T* x, const T* y,
         T* dw, const Context& context) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t taps = g.kernel[0] * g.kernel[1];
  const int64_t size = g.weights() / g.blocks;  // of a block
  const int64_t units = g.dst[0] * g.dst[1] == 0 ? 0 : problem.batch * g.bands;
  const int64_t splits = group_lanes_splits(g, problem.batch);
  const Workspace<T> parts(context, splits * g.weights());
  const size_t scratch = static_cast<size_t>(offsets_bytes<T>(g)) +
                         static_cast<size_t>(g.stage() + g.rows * g.result()) * sizeof(T);
  parallel_for(context, g.blocks * splits, scratch, [&](int64_t task, void* memory) {
    const int64_t block = task / splits, split = task % splits;
    int64_t* offset = static_cast<int64_t*>(memory);
    T* stage = reinterpret_cast<T*>(static_cast<char*>(memory) + offsets_bytes<T>(g));
    for (int64_t t = 0; t < taps; ++t)
      offset[t] =
          (t / g.kernel[1] * g.dilation[0] * g.columns.size() + t % g.kernel[1] * g.dilation[1]) *
          lanes;
    T* sums = parts.data() + task * size;
    __builtin_memset(sums, 0, static_cast<size_t>(size) * sizeof(T));
    for (int64_t i = units * split / splits; i < units * (split + 1) / splits; ++i)
      add_unit(g, block, i / g.bands, i % g.bands, dy, x, y, offset, stage, stage + g.stage(),
               sums);
  });
  // Weights that one chunk adds up and transposes.
  constexpr int64_t kPiece = 256;
  const int64_t weights = g.rows * g.channels * taps;  // of a group
  const int64_t pieces = ceil_div(weights, kPiece);
  parallel_for(context, g.blocks * pieces, kPiece * lanes * sizeof(T),
               [&](int64_t chunk, void* memory) {
                 const int64_t block = chunk / pieces, begin = chunk % pieces * kPiece;
                 const int64_t count = least(kPiece, weights - begin);
                 const T* first = parts.data() + block * splits * size + begin * lanes;
                 T* sums = static_cast<T*>(memory);
                 for (int64_t k = 0; k < count * lanes; k += lanes) {
                   Vec<T> sum = Vec<T>::load(first + k);
                   for (int64_t s = 1; s < splits; ++s)
                     sum = sum + Vec<T>::load(first + s * size + k);
                   sum.store(sums + k);
                 }
                 store_planes(LanePlanes<T>(block, g.groups, weights), sums, count, dw + begin);
               });
}

}  // namespace

void group_lanes_weight_grad(const GroupLanes& g, const ConvProblem& problem, const float* dy,
                             const float* x, const float* y, float* dw, const Context& context) {
  run(g, problem, dy, x, y, dw, context);
}
void group_lanes_weight_grad(const GroupLanes& g, const ConvProblem& problem, const double* dy,
                             const double* x, const double* y, double* dw, const Context& context) {
  run(g, problem, dy, x, y, dw, context);
}

}  // namespace striate::cpu::STRIATE_ISA
