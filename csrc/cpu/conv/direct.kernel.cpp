// Depthwise convolution, and groups of few channels: a matrix product would waste most of its tile
// on them. A task takes some rows of one group of one sample and adds up shifted vectors of the
// source, which it reads where it lies (direct_rows.h), several rows of the result at a time
// (direct_tile.h); small depthwise planes it takes whole (direct_flat.h).
#include "cpu/conv/direct.h"

#include "cpu/conv/direct_flat.h"
#include "cpu/conv/direct_tile.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int64_t kRowElements = 8 * 1024;  // of rows in scratch: a part of the first cache
inline constexpr int64_t kFewestAhead = 1024;      // elements of a plane that is worth asking for
inline constexpr int64_t kSeen = 64;  // entries of columns that are found once for a chunk

// A convolution, or one phase of an input gradient, or two of them whose columns alternate.
template <class T>
struct DirectConv {
  const ImplicitGemm& g;
  const ImplicitGemm* twin;  // or null
  const T *src, *mask, *w, *bias;
  bool relu;
  T* dst;

  DirectView view;
  int64_t units;  // of the grid: rows, or as many as share a vector
  int64_t block;  // units in a task
  int64_t blocks;
  bool staged;  // the result's rows pass through scratch, to be spread
  DirectBands<T> bands;

  int phases() const { return twin == nullptr ? 1 : 2; }
  const ImplicitGemm& phase(int i) const { return i == 0 ? g : *twin; }
  int64_t planes() const { return g.channels * g.taps[0]; }
  int64_t src_channel() const { return g.src[0] * g.src[1] * g.src[2]; }
  int64_t dst_channel() const { return g.dst[0] * g.dst[1] * g.dst[2]; }
  // Elements of a worker's scratch.
  int64_t masked_rows() const {
    return least(g.src[1], (block * view.together - 1) * view.row_stride + view.reach() + 1);
  }
  int64_t masked_size() const { return mask == nullptr ? 0 : planes() * masked_rows() * g.src[2]; }
  int64_t staging_pitch() const { return round_up(g.grid[2], Vec<T>::lanes); }
  int64_t staging_size() const { return staged ? staging_pitch() * block * kChannelTile : 0; }
  int64_t columns() const {
    if (twin != nullptr) return g.dst[2];
    return staged ? staging_pitch() : g.grid[2] * view.together;
  }
  // Vectors of columns whose taps' columns are kept.
  int64_t seen_blocks() const {
    const int64_t blocks = ceil_div(ceil_div(columns(), phases()), Vec<T>::lanes);
    return blocks * view.taps_w <= kSeen ? blocks : 1;
  }
  int64_t seen_bytes(int phase_index) const {
    DirectBand<T> band{};
    band.view.taps_w = phase(phase_index).taps[2];
    return bands.see(band, seen_blocks());
  }
};

// A worker's scratch, cut up.
template <class T>
struct Scratch {
  const T** planes;
  T *masked, *staging;
  DirectBand<T> bands[2];

  static size_t bytes(const DirectConv<T>& c) {
    int64_t seen = 0;
    for (int i = 0; i < c.phases(); ++i) seen += c.seen_bytes(i);
    return static_cast<size_t>(seen) + static_cast<size_t>(c.planes()) * sizeof(T*) +
           static_cast<size_t>(c.masked_size() + c.staging_size()) * sizeof(T);
  }
  Scratch(const DirectConv<T>& c, void* buffer) {
    planes = static_cast<const T**>(buffer);
    char* seen = reinterpret_cast<char*>(planes + c.planes());
    for (int i = 0; i < c.phases(); ++i) {
      const ImplicitGemm& g = c.phase(i);
      DirectBand<T>& t = bands[i];
      t.view = direct_view(g, c.view.together);
      t.planes = planes;
      t.channels = g.channels;
      t.depth_taps = g.taps[0];
      t.w_row = g.w_row;
      t.w_channel = g.w_channel;
      t.w_depth = g.w_step[0] * g.kernel[1] * g.kernel[2];
      t.w_tap_row = g.w_step[1] * g.kernel[2] * (g.tap_step[1] < 0 ? -1 : 1);
      t.w_tap = g.w_step[2] * (g.tap_step[2] < 0 ? -1 : 1);
      t.relu = c.relu;
      t.columns = t.last_columns = c.columns();
      t.out_pitch = c.staged ? c.staging_pitch() : g.dst_stride[1] * g.dst[2] * c.view.together;
      t.seen = seen;
      t.seen_ready = c.seen_blocks() * Vec<T>::lanes * c.phases() >= t.columns;
      if (t.seen_ready) c.bands.see(t, c.seen_blocks());
      seen += c.seen_bytes(i);
    }
    masked = reinterpret_cast<T*>(seen);
    staging = masked + c.masked_size();
  }
};

// The weight of a group that its lowest tap meets.
template <class T>
const T* first_weight(const DirectConv<T>& c, const ImplicitGemm& g, int64_t group) {
  const auto lowest = [&](int i) {
    return g.w_index[i] + (i > 0 && g.tap_step[i] < 0 ? (g.taps[i] - 1) * g.w_step[i] : 0);
  };
  return c.w + group * g.w_group + (lowest(0) * g.kernel[1] + lowest(1)) * g.kernel[2] + lowest(2);
}

// Where the planes of a group lie that a depth of the result sees; masked rows are copied, those
// that the rows from `first` on see.
template <class T>
void find_planes(const DirectConv<T>& c, const T* src, const T* mask, int64_t depth, int64_t first,
                 int64_t units, const Scratch<T>& s) {
  const ImplicitGemm& g = c.g;
  const int64_t low = first * c.view.together * c.view.row_stride + c.view.lowest_row;
  const int64_t high = low + (units * c.view.together - 1) * c.view.row_stride + c.view.reach() + 1;
  const int64_t begin = least(greatest(low, 0), g.src[1]);
  const int64_t end = greatest(begin, least(high, g.src[1]));
  T* copy = s.masked;
  for (int64_t p = 0; p < c.planes(); ++p) {
    const int64_t at = depth * g.src_stride[0] + g.tap_offset[0] + p % g.taps[0] * g.tap_step[0];
    if (at < 0 || at >= g.src[0]) {
      s.planes[p] = nullptr;
      continue;
    }
    const int64_t start = p / g.taps[0] * c.src_channel() + at * g.src[1] * g.src[2];
    s.planes[p] = src + start;
    if (mask == nullptr) continue;
    s.planes[p] = copy - begin * g.src[2];
    for_each_vector<T>(begin * g.src[2], end * g.src[2], [&](int64_t i, int n) {
      formula::relu_grad(Vec<T>::load(src + start + i, n), Vec<T>::load(mask + start + i, n))
          .store(copy + (i - begin * g.src[2]), n);
    });
    copy += (end - begin) * g.src[2];
  }
}

// One block of rows of one sample's group.
template <class T>
void run_task(const DirectConv<T>& c, int64_t sample, int64_t group, int64_t depth, int64_t first,
              bool last, Scratch<T>& s) {
  const ImplicitGemm& g = c.g;
  const int64_t units = least(c.block, c.units - first), together = c.view.together;
  const int64_t from = (sample * g.groups + group) * g.channels * c.src_channel();
  find_planes(c, c.src + from, c.mask == nullptr ? nullptr : c.mask + from, depth, first, units, s);
  T* to = c.dst + (sample * g.groups + group) * g.rows * c.dst_channel() +
          ((depth * g.dst_stride[0] + g.dst_offset[0]) * g.dst[1] + g.dst_offset[1]) * g.dst[2];
  const int64_t row_pitch = g.dst_stride[1] * g.dst[2];
  for (int64_t m = 0, channels; m < g.rows; m += channels) {
    channels = c.twin == nullptr && g.rows - m >= kChannelTile ? kChannelTile : 1;
    for (int i = 0; i < c.phases(); ++i) {
      DirectBand<T>& t = s.bands[i];
      t.first_row = first * together * c.view.row_stride + c.view.lowest_row;
      t.rows = units;
      t.height = tile_height(units, channels > 1 || c.twin != nullptr);
      t.weights = first_weight(c, c.phase(i), group) + m * t.w_row;
      t.bias = c.bias == nullptr ? nullptr : c.bias + group * g.rows + m;
      t.out_plane = c.staged ? units * t.out_pitch : c.dst_channel();
      t.ahead = {};
      if (!last && g.rows == 1 && g.grid[0] == 1 && c.blocks == 1 &&
          c.dst_channel() >= kFewestAhead)
        t.ahead = Ahead<T>(c.src + from + g.channels * c.src_channel(),
                           g.channels * c.src_channel(), to + c.dst_channel(), c.dst_channel(),
                           ceil_div(t.columns, Vec<T>::lanes) * ceil_div(units, t.height));
      if (together > 1)
        t.last_columns = least(together, g.grid[1] - (first + units - 1) * together) * g.grid[2];
    }
    T* out = to + m * c.dst_channel() + first * together * row_pitch;
    if (c.twin != nullptr) {
      c.bands.twin(s.bands[0], s.bands[1], out);
      continue;
    }
    (channels > 1 ? c.bands.many : c.bands.one)(s.bands[0], c.staged ? s.staging : out);
    if (!c.staged) continue;
    for (int64_t i = 0; i < channels * units; ++i) {
      T* row = out + i / units * c.dst_channel() + i % units * row_pitch + g.dst_offset[2];
      for (int64_t q = 0; q < g.grid[2]; ++q)
        row[q * g.dst_stride[2]] = s.staging[i * c.staging_pitch() + q];
    }
  }
}

template <class T>
DirectConv<T> plan_direct(const ImplicitGemm& g, const ImplicitGemm* twin, const T* src,
                          const T* mask, const T* w, const T* bias, bool relu, T* dst) {
  DirectConv<T> c{g, twin, src, mask, w, bias, relu, dst, {}, 0, 0, 0, false, {}};
  c.view = direct_view(g, twin == nullptr ? rows_together<T>(g) : 1);
  c.bands = direct_bands<T>(tile_kind(c.view, g.grid[1]));
  c.units = ceil_div(g.grid[1], c.view.together);
  c.staged = twin == nullptr && g.dst_stride[2] != 1;
  // Whole planes, unless too few, or too large for scratch.
  const int64_t planes = g.batch * g.groups * g.grid[0];
  const int64_t row = (mask == nullptr ? 0 : c.planes() * g.src[2] * c.view.step()) +
                      (c.staged ? c.staging_pitch() : 0);
  const int64_t fit = row == 0 ? c.units : greatest(kRowElements / row, 1);
  const int64_t most = least(fit, ceil_div(c.units, ceil_div(kTasks, planes)));
  c.block = most >= c.units ? c.units : least(c.units, greatest(most / kRowTile, 1) * kRowTile);
  c.blocks = ceil_div(c.units, c.block);
  return c;
}

bool is_empty(const ImplicitGemm& g) {
  return g.rows == 0 || g.grid_size() == 0 || g.batch == 0 || g.groups == 0;
}

template <class T>
size_t scratch_of(const ImplicitGemm& g, const ImplicitGemm* twin) {
  if (is_empty(g) || flat_vectors(g, Vec<T>::lanes, sizeof(T)) > 0) return 0;
  const T* none = nullptr;
  return Scratch<T>::bytes(
      plan_direct<T>(g, twin, none, none, none, none, false, static_cast<T*>(nullptr)));
}

// Small depthwise planes, `vectors` long.
template <class T>
void conv_flat(const ImplicitGemm& g, int64_t vectors, const T* src, const T* mask, const T* w,
               const T* bias, bool relu, T* dst, const Context& context) {
  LaneSet<T> sets[kFlatSets];
  find_flat_lanes<T>(g, vectors, sets);
  const FlatPlane<T> plane{g, vectors, sets, relu};
  const int64_t src_size = g.src[1] * g.src[2], dst_size = g.dst[1] * g.dst[2];
  const int64_t planes = g.batch * g.groups * g.rows;
  const int64_t sums = vectors * Vec<T>::lanes * g.tap_count();
  const int64_t several =
      least(ceil_div(kChunkSums, sums + 1), greatest(ceil_div(planes, kTasks), 1));
  const size_t scratch = mask == nullptr ? 0 : static_cast<size_t>(src_size) * sizeof(T);
  parallel_for(context, ceil_div(planes, several), scratch, [&](int64_t chunk, void* buffer) {
    for (int64_t i = chunk * several; i < least((chunk + 1) * several, planes); ++i) {
      const int64_t group = i / g.rows % g.groups, row = i % g.rows;
      const T* from = src + i / g.rows * src_size;
      if (mask != nullptr) {
        T* copy = static_cast<T*>(buffer);
        const T* y = mask + i / g.rows * src_size;
        for_each_vector<T>(0, src_size, [&](int64_t at, int n) {
          formula::relu_grad(Vec<T>::load(from + at, n), Vec<T>::load(y + at, n))
              .store(copy + at, n);
        });
        from = copy;
      }
      plane.compute(from, w + group * g.w_group + row * g.w_row,
                    bias == nullptr ? T(0) : bias[group * g.rows + row], dst + i * dst_size);
    }
  });
}

template <class T>
void conv(const ImplicitGemm& g, const ImplicitGemm* twin, const T* src, const T* mask, const T* w,
          const T* bias, bool relu, T* dst, const Context& context) {
  if (is_empty(g)) return;
  if (twin == nullptr)
    if (const int64_t vectors = flat_vectors(g, Vec<T>::lanes, sizeof(T)); vectors > 0)
      return conv_flat(g, vectors, src, mask, w, bias, relu, dst, context);
  const DirectConv<T> c = plan_direct(g, twin, src, mask, w, bias, relu, dst);
  // Small tasks go several to a chunk.
  const int64_t sums = g.rows * g.depth() * c.phases() * g.grid[2] * c.view.together * c.block;
  const int64_t tasks = g.batch * g.groups * g.grid[0] * c.blocks;
  const int64_t several =
      least(ceil_div(kChunkSums, sums + 1), greatest(ceil_div(tasks, kTasks), 1));
  parallel_for(context, ceil_div(tasks, several), Scratch<T>::bytes(c),
               [&](int64_t chunk, void* buffer) {
                 Scratch<T> scratch(c, buffer);
                 const int64_t end = least((chunk + 1) * several, tasks);
                 for (int64_t i = chunk * several; i < end; ++i) {
                   const int64_t block = i % c.blocks, depth = i / c.blocks % g.grid[0];
                   const int64_t plane = i / c.blocks / g.grid[0];
                   run_task(c, plane / g.groups, plane % g.groups, depth, block * c.block,
                            i + 1 == end, scratch);
                 }
               });
}

}  // namespace

size_t direct_conv_scratch(const ImplicitGemm& g, const ImplicitGemm* twin, bool doubles) {
  return doubles ? scratch_of<double>(g, twin) : scratch_of<float>(g, twin);
}

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
