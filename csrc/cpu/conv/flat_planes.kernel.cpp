// Direct sums for groups of a few channels. A task takes one group of one sample, or a band of its
// rows, and copies what it sees of the planes close to the core, each row with padding that is also
// the next row's (conv_patch.h). Vectors of the result then run from one row into the next: of
// every tap they see the same sequence, a fixed distance on, with no thought of where rows end, and
// only what lies between rows is lost. The sums of a register tile, channels of the result by
// vectors, go through all channels and taps; weights are read where they lie, and broadcast. It
// takes no workspace, and adds nothing across lanes.
#include "cpu/conv/flat_planes.h"

#include "cpu/conv/ahead.h"
#include "cpu/conv/conv_patch.h"
#include "cpu/simd/lane_set.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Rows (channels of the result) of the largest register tile, and vectors of one of so many rows.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kMostRows = 8;
constexpr int most_vectors(int rows) { return rows == 8 ? 3 : 6; }
#else
inline constexpr int kMostRows = 4;
constexpr int most_vectors(int rows) { return rows == 4 ? 3 : 4; }
#endif

// Chunks: enough for many threads, and of several tasks, which ask for what comes next.
inline constexpr int64_t kChunks = 64;

// What the tiles of a task share.
template <class T>
struct Task {
  const T* staged;
  const T* weights;  // of the group
  const T* bias;     // likewise, or null
  int64_t rows;      // of the result's plane
  T* dst;            // the first of them
  Ahead<T> ahead;
};

template <class T>
struct Call {
  const FlatPlanes& f;
  const T *src, *mask, *w, *bias;
  bool relu;
  T* dst;
  int32_t distances[kDepthBlock];  // from a pixel of the patch to what each tap sees

  // Vectors from pixel `first` on of channels from `channel` on. Not inlined: what surrounds it
  // must not take registers from the sums.
  template <int rows, int vectors>
  __attribute__((noinline)) void sum_tile(Task<T>& t, int64_t channel, int64_t first) const {
    constexpr int lanes = Vec<T>::lanes;
    const ImplicitGemm& g = f.product;
    const int64_t taps = g.tap_count(), patch = f.patch.channel_size(), w_row = g.w_row;
    const T* a = t.weights + channel * w_row;
    const T* b = t.staged + first;
    Vec<T> sum[rows][vectors];
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      const Vec<T> added = t.bias == nullptr ? Vec<T>::zero() : Vec<T>::set(t.bias[channel + m]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sum[m][v] = added;
    }
    for (int64_t c = g.channels; c > 0; --c, a += g.w_channel - taps, b += patch) {
      t.ahead.next();
      for (int64_t k = 0; k < taps; ++k, ++a) {
        asm volatile("" : "+r"(a) : : "memory");  // as in add_to_tile
        add_step<T, rows, vectors>(a, w_row, b + distances[k], sum);
      }
    }
    const int64_t plane = g.dst[1] * g.dst[2], pitch = f.patch.extent[2];
    int64_t row = first / pitch;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v, first += lanes) {
      for (; row < t.rows; ++row) {
        const int64_t start = row * pitch - first;  // the row's first lane
        if (start >= lanes) break;
        const auto live = LaneSet<T>::range(start, start + g.grid[2]);
        T* to = t.dst + channel * plane + row * g.grid[2] - start;
#pragma GCC unroll 8
        for (int m = 0; m < rows; ++m, to += plane)
          live.store(relu ? formula::relu(sum[m][v]) : sum[m][v], to);
        if (start + pitch > lanes) break;  // it goes on in the next vector
      }
    }
  }

  // Channels from `channel` on, `most` at a time and then fewer.
  template <int most>
  void sum_rows(Task<T>& t, int64_t vectors, int64_t channel) const {
    constexpr int wide = most_vectors(most);
    const int64_t pieces = ceil_div(vectors, wide);
    for (; channel + most <= f.product.rows; channel += most)
      for (int64_t i = 0; i < pieces; ++i) {
        const int64_t begin = vectors * i / pieces;
        with_count<wide>(vectors * (i + 1) / pieces - begin, [&](auto number) {
          sum_tile<most, decltype(number)::get>(t, channel, begin * Vec<T>::lanes);
        });
      }
    if constexpr (most > 1) sum_rows<most / 2>(t, vectors, channel);
  }

  void run_task(int64_t index, bool last, T* staged) const {
    const ImplicitGemm& g = f.product;
    const int64_t first_row = index % f.bands * f.band, sample_group = index / f.bands;
    const int64_t group = sample_group % g.groups;
    const int64_t src_size = g.channels * g.src[1] * g.src[2];
    const int64_t dst_size = g.rows * g.dst[1] * g.dst[2];
    const T* from = src + sample_group * src_size;
    T* to = dst + sample_group * dst_size;
    copy_patch(f.patch, g, g.channels, 0, first_row, from,
               mask == nullptr ? nullptr : mask + sample_group * src_size, staged);
    Task<T> t{staged,
              w + group * g.w_group,
              bias == nullptr ? nullptr : bias + group * g.rows,
              least(f.band, g.grid[1] - first_row),
              to + first_row * g.dst[2],
              {}};
    const int64_t vectors = ceil_div((t.rows - 1) * f.patch.extent[2] + g.grid[2], Vec<T>::lanes);
    if (!last && f.bands == 1) {
      // As often as the largest tiles begin a channel.
      const int64_t steps =
          greatest(1, g.rows / kMostRows) * ceil_div(vectors, most_vectors(kMostRows)) * g.channels;
      t.ahead = Ahead<T>(from + src_size, src_size, to + dst_size, dst_size, steps);
    }
    sum_rows<kMostRows>(t, vectors, 0);
  }
};

template <class T>
void conv(const FlatPlanes& f, const T* src, const T* mask, const T* w, const T* bias, bool relu,
          T* dst, const Context& context) {
  const ImplicitGemm& g = f.product;
  Call<T> call{f, src, mask, w, bias, relu, dst, {}};
  find_distances(f.patch, g, {0, 1, 0, g.tap_count()}, call.distances);
  const size_t scratch = static_cast<size_t>(f.scratch(kTileColumns<T>)) * sizeof(T);
  const int64_t tasks = f.tasks(), chunks = least(tasks, kChunks);
  parallel_for(context, chunks, scratch, [&](int64_t chunk, void* memory) {
    const int64_t end = tasks * (chunk + 1) / chunks;
    for (int64_t i = tasks * chunk / chunks; i < end; ++i)
      call.run_task(i, i + 1 == end, static_cast<T*>(memory));
  });
}

}  // namespace

void flat_planes_conv(const FlatPlanes& f, const float* src, const float* mask, const float* w,
                      const float* bias, bool relu, float* dst, const Context& context) {
  conv(f, src, mask, w, bias, relu, dst, context);
}
void flat_planes_conv(const FlatPlanes& f, const double* src, const double* mask, const double* w,
                      const double* bias, bool relu, double* dst, const Context& context) {
  conv(f, src, mask, w, bias, relu, dst, context);
}

}  // namespace striate::cpu::STRIATE_ISA
