// Depthwise convolution and convolution in many small groups, with as many groups as a vector has
// lanes side by side: what one group computes pixel by pixel, all of them compute at once, whatever
// the kernel, the stride and the dilation. A task takes one sample, one block of groups and a band
// of the result's rows: it transposes the rows of the source that the band sees to one vector a
// pixel, with their padding, adds up products of vectors of pixels and vectors of weights (a
// register tile of result channels by pixels), and transposes the band back into planes. In a
// strided input gradient each phase, the pixels that meet the same taps, goes by itself within the
// band.
#include "cpu/conv/group_lanes.h"

#include "core/plan/implicit_gemm.h"
#include "cpu/conv/lane_planes.h"
#include "cpu/gemm/tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// The register tile: channels by pixels, and pixels where a group has fewer channels.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kChannels = 4;
inline constexpr int kPixels = 6;
#else
inline constexpr int kChannels = 2;
inline constexpr int kPixels = 4;
#endif
inline constexpr int kPixelsAlone = 8;

// One phase's steps in the staged source, in elements.
struct Steps {
  int64_t channels, taps[2];    // source channels and the taps
  int64_t first_tap, last_tap;  // rows of taps that lie in the source
  int64_t channel, tap_row, tap, pixel;
  int64_t out_pixel, out_channel;
};

template <class T, int channels, int pixels>
STRIATE_INLINE void sum_pixels(const Steps& s, const T* x, const T* w, const T* bias, bool relu,
                               T* out) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[channels][pixels];
#pragma GCC unroll 4
  for (int c = 0; c < channels; ++c) {
    const Vec<T> first = bias == nullptr ? Vec<T>::zero() : Vec<T>::load(bias + c * lanes);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) sum[c][p] = first;
  }
  for (int64_t k = 0; k < s.channels; ++k) {
    for (int64_t i = s.first_tap; i <= s.last_tap; ++i) {
      const T* at = x + k * s.channel + i * s.tap_row;
      const T* weights = w + (k * s.taps[0] + i) * s.taps[1] * channels * lanes;
      for (int64_t j = 0; j < s.taps[1]; ++j, at += s.tap, weights += channels * lanes) {
        Vec<T> weight[channels];
#pragma GCC unroll 4
        for (int c = 0; c < channels; ++c) weight[c] = Vec<T>::load(weights + c * lanes);
#pragma GCC unroll 8
        for (int p = 0; p < pixels; ++p) {
          const Vec<T> value = Vec<T>::load(at + p * s.pixel);
#pragma GCC unroll 4
          for (int c = 0; c < channels; ++c) sum[c][p] = fma(weight[c], value, sum[c][p]);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < channels; ++c)
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p)
      (relu ? formula::relu(sum[c][p]) : sum[c][p])
          .store(out + c * s.out_channel + p * s.out_pixel);
}

// The rows of taps that lie in the source, where the first one meets its row `top`.
STRIATE_INLINE void find_tap_rows(int64_t top, int64_t step, int64_t rows, Steps& s) {
  const int64_t back = step < 0 ? -step : step;  // how far taps lie apart, from one side of them
  const int64_t low = step < 0 ? rows - 1 - top : top;
  s.first_tap = low >= 0 ? 0 : ceil_div(-low, back);
  s.last_tap = low < rows ? least(s.taps[0] - 1, (rows - 1 - low) / back) : -1;
}

// A row of a phase, in even pieces.
template <class T, int channels, int most>
void sum_row(const Steps& s, int64_t count, const T* x, const T* w, const T* bias, bool relu,
             T* out) {
  const int64_t pieces = ceil_div(count, most);
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t first = i * count / pieces;
    with_count<most>((i + 1) * count / pieces - first, [&](auto pixels) {
      sum_pixels<T, channels, decltype(pixels)::get>(s, x + first * s.pixel, w, bias, relu,
                                                     out + first * s.out_pixel);
    });
  }
}

// The channels of the next register tile.
int64_t tile_channels(int64_t left) { return left >= kChannels ? kChannels : 1; }

// One register tile's weights of a phase, as [source channel][tap][channel][lane].
template <class T>
void pack_tile(const GroupLanes& g, const ImplicitGemm& phase, const T* w,
               const LanePlanes<T>& groups, int64_t first_row, int64_t width, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t taps = phase.taps[1] * phase.taps[2];
  const bool whole = taps == phase.kernel[1] * phase.kernel[2];
  for (int64_t r = 0; r < width; ++r) {
    for (int64_t c = 0; c < g.channels; ++c) {
      const T* from = w + (first_row + r) * phase.w_row + c * phase.w_channel;
      T* to = out + (c * taps * width + r) * lanes;
      int64_t t = 0;
      for (; whole && t + 4 <= taps; t += 4) {
        Vec<T> v[4];
        load_pixels(groups, from + t, v);
        for (int i = 0; i < 4; ++i) v[i].store(to + (t + i) * width * lanes);
      }
      for (; t < taps; ++t) {
        const int64_t y = phase.w_index[1] + t / phase.taps[2] * phase.w_step[1];
        const int64_t x = phase.w_index[2] + t % phase.taps[2] * phase.w_step[2];
        load_pixel(groups, from + y * phase.kernel[2] + x).store(to + t * width * lanes);
      }
    }
  }
}

// A block's weights of all phases and of the register tile from `row` on; all of it lies as
// [phase][register tile].
template <class T>
void pack_weights(const GroupLanes& g, const ImplicitGemm* phases, int64_t count, const T* w,
                  int64_t block, int64_t row, T* out) {
  const LanePlanes<T> groups(block, g.groups, phases[0].w_group);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t depth = g.channels * phases[i].taps[1] * phases[i].taps[2] * Vec<T>::lanes;
    pack_tile(g, phases[i], w, groups, row, tile_channels(g.rows - row), out + row * depth);
    out += g.rows * depth;
  }
}

template <class T>
struct Call {
  const GroupLanes& g;
  const ImplicitGemm* phases;
  int64_t phase_count;
  bool gaps;  // some pixels meet no tap
  const T *src, *mask, *packed, *bias;
  bool relu;
  T* dst;
};

// One register tile's channels over the whole band, to out[channel][pixel][lane].
template <class T, int channels>
void sum_band(const Call<T>& call, Reach band, Reach seen, const T* stage, const T* w,
              int64_t first_row, const T* bias, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int most = channels == 1 ? kPixelsAlone : kPixels;
  const GroupLanes& g = call.g;
  const int64_t pitch = g.columns.size() * lanes;
  if (call.gaps) {
    for (int64_t i = 0; i < channels * g.result(); i += lanes) {
      const int64_t c = i / g.result();
      (bias == nullptr ? Vec<T>::zero() : Vec<T>::load(bias + c * lanes)).store(out + i);
    }
  }
  for (int64_t k = 0; k < call.phase_count; ++k) {
    const ImplicitGemm& p = call.phases[k];
    Steps s;
    s.channels = g.channels;
    s.channel = seen.size() * pitch;
    s.taps[0] = p.taps[1];
    s.taps[1] = p.taps[2];
    s.tap_row = p.tap_step[1] * pitch;
    s.tap = p.tap_step[2] * lanes;
    s.pixel = p.src_stride[2] * lanes;
    s.out_pixel = p.dst_stride[2] * lanes;
    s.out_channel = g.result();
    const T* weights = w + first_row * g.channels * p.taps[1] * p.taps[2] * lanes;
    const int64_t step = p.dst_stride[1], offset = p.dst_offset[1];
    const int64_t begin = band.first > offset ? ceil_div(band.first - offset, step) : 0;
    for (int64_t y = begin; y * step + offset < band.end; ++y) {
      const int64_t top = y * p.src_stride[1] + p.tap_offset[1];
      find_tap_rows(top, p.tap_step[1], g.src[0], s);
      const T* x = stage + (top - seen.first) * pitch + (p.tap_offset[2] - g.columns.first) * lanes;
      T* to = out + ((y * step + offset - band.first) * g.dst[1] + p.dst_offset[2]) * lanes;
      sum_row<T, channels, most>(s, p.grid[2], x, weights, bias, call.relu, to);
    }
    w += g.rows * g.channels * p.taps[1] * p.taps[2] * lanes;
  }
}

template <class T>
void run_task(const Call<T>& call, int64_t task, T* scratch) {
  constexpr int lanes = Vec<T>::lanes;
  const GroupLanes& g = call.g;
  const int64_t block = task / g.bands % g.blocks, sample = task / g.bands / g.blocks;
  const Reach band{task % g.bands * g.band, least((task % g.bands + 1) * g.band, g.dst[0])};
  const Reach seen = g.reach(0, band.first, band.end);
  const int64_t src_plane = g.src[0] * g.src[1], dst_plane = g.dst[0] * g.dst[1];

  T* stage = scratch;
  T* out = stage + g.stage();
  const LanePlanes<T> from(block, g.groups, g.channels * src_plane);
  for (int64_t c = 0; c < g.channels; ++c) {
    const int64_t start = (sample * g.groups * g.channels + c) * src_plane;
    stage_planes(from, g.src, call.src + start, call.mask == nullptr ? nullptr : call.mask + start,
                 seen, g.columns, stage + c * seen.size() * g.columns.size() * lanes);
  }

  const LanePlanes<T> to(block, g.groups, g.rows * dst_plane);
  const LanePlanes<T> biases(block, g.groups, g.rows);
  const T* w = call.packed + block * (g.weights() / g.blocks);
  for (int64_t row = 0; row < g.rows;) {
    const int64_t width = tile_channels(g.rows - row);
    T bias[kChannels * lanes];
    if (call.bias != nullptr)
      for (int64_t c = 0; c < width; ++c)
        load_pixel(biases, call.bias + row + c).store(bias + c * lanes);
    const T* added = call.bias == nullptr ? nullptr : bias;
    if (width == 1)
      sum_band<T, 1>(call, band, seen, stage, w, row, added, out);
    else
      sum_band<T, kChannels>(call, band, seen, stage, w, row, added, out);
    for (int64_t c = 0; c < width; ++c)
      store_planes(
          to, out + c * g.result(), (band.end - band.first) * g.dst[1],
          call.dst + (sample * g.groups * g.rows + row + c) * dst_plane + band.first * g.dst[1]);
    row += width;
  }
}

template <class T>
void run(const GroupLanes& g, const ConvProblem& problem, const T* src, const T* mask, const T* w,
         const T* bias, bool relu, T* dst, const Context& context) {
  if (problem.batch == 0 || g.dst[0] * g.dst[1] == 0) return;
  const int64_t count = g.input_grad ? input_grad_phases(problem) : 1;
  const Workspace<ImplicitGemm> phases(context, count);
  if (g.input_grad) {
    ImplicitGemm* next = phases.data();
    for_each_input_grad_phase(
        problem,
        [](void* to, const ImplicitGemm& phase) { *(*static_cast<ImplicitGemm**>(to))++ = phase; },
        &next);
  } else {
    phases.data()[0] = plan_forward(problem);
  }
  const Workspace<T> packed(context, g.weights());
  // Whole register tiles, and then single channels.
  const int64_t tiles = g.rows / kChannels + g.rows % kChannels;
  if (count > 0)
    parallel_for(context, g.blocks * tiles, 0, [&](int64_t chunk, void*) {
      const int64_t block = chunk / tiles, tile = chunk % tiles, whole = g.rows / kChannels;
      pack_weights(g, phases.data(), count, w, block,
                   tile < whole ? tile * kChannels : whole * (kChannels - 1) + tile,
                   packed.data() + block * (g.weights() / g.blocks));
    });
  const Call<T> call{g,
                     phases.data(),
                     count,
                     g.input_grad && input_grad_has_gaps(problem),
                     src,
                     mask,
                     packed.data(),
                     bias,
                     relu,
                     dst};
  const size_t scratch = static_cast<size_t>(g.stage() + kChannels * g.result()) * sizeof(T);
  parallel_for(context, problem.batch * g.blocks * g.bands, scratch,
               [&](int64_t task, void* memory) { run_task(call, task, static_cast<T*>(memory)); });
}

}  // namespace

void group_lanes_conv(const GroupLanes& g, const ConvProblem& problem, const float* src,
                      const float* mask, const float* w, const float* bias, bool relu, float* dst,
                      const Context& context) {
  run(g, problem, src, mask, w, bias, relu, dst, context);
}
void group_lanes_conv(const GroupLanes& g, const ConvProblem& problem, const double* src,
                      const double* mask, const double* w, const double* bias, bool relu,
                      double* dst, const Context& context) {
  run(g, problem, src, mask, w, bias, relu, dst, context);
}

}  // namespace striate::cpu::STRIATE_ISA
