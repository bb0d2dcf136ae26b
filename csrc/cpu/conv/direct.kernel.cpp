// Depthwise convolution, and groups of few channels: a matrix product would waste most of its tile
// on them. A task takes one sample's group, copies the rows of the source that a block of result
// rows sees, with their padding, and adds up shifted vectors of them, several rows of the result at
// a time. The weight gradient does the same with dy's vectors in the weights' place.
#include "cpu/conv/direct.h"

#include "core/formula/activation.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int kRows = 4;  // of the result, in registers together
inline constexpr int kTaps = 9;  // sums of the weight gradient in registers together
inline constexpr int64_t kPatchElements = 16 * 1024;

STRIATE_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// A window's reach over one block of rows of the grid at one depth: `planes` of rows x columns,
// whose first element lies at `origin` of the source. Taps are counted from the least offset,
// whatever the direction in which they run.
struct Patch {
  int64_t origin[kSpatial];
  int64_t planes, rows, columns;
  int64_t size() const { return planes * rows * columns; }
};

// The geometry that forward convolutions, phases of input gradients and weight gradients share.
struct Geometry {
  const int64_t *src, *grid, *stride, *taps, *offset, *step;

  int64_t lowest(int axis) const {
    return step[axis] < 0 ? offset[axis] + (taps[axis] - 1) * step[axis] : offset[axis];
  }
  int64_t reach(int axis) const {
    return (taps[axis] - 1) * (step[axis] < 0 ? -step[axis] : step[axis]);
  }
  // Planes are one for each tap of the depth: what lies between dilated ones is not copied.
  Patch patch(int64_t depth, int64_t row, int64_t rows) const {
    return {{depth * stride[0] + offset[0], row * stride[1] + lowest(1), lowest(2)},
            taps[0],
            (rows - 1) * stride[1] + reach(1) + 1,
            (grid[2] - 1) * stride[2] + reach(2) + 1};
  }
  // Where the tap's first pixel lies in the patch.
  int64_t place(const Patch& p, int64_t tap) const {
    const int64_t w = tap % taps[2], h = tap / taps[2] % taps[1], d = tap / taps[2] / taps[1];
    return (d * p.rows + offset[1] + h * step[1] - lowest(1)) * p.columns + offset[2] +
           w * step[2] - lowest(2);
  }
  int64_t rows_per_block(int64_t channels) const {
    const int64_t columns = (grid[2] - 1) * stride[2] + reach(2) + 1;
    const int64_t rows = kPatchElements / (channels * taps[0] * columns + 1) - reach(1);
    const int64_t wanted = rows > 0 ? rows / stride[1] : 1;
    return wanted < 1 ? 1 : least(wanted, grid[1]);
  }
};

template <class T>
void copy_patch(const Geometry& g, const Patch& p, const T* src, const T* mask, T* out) {
  const int64_t first = p.origin[2];
  const int64_t left = first < 0 ? least(-first, p.columns) : 0;
  const int64_t inside = least(g.src[2] - first, p.columns);
  for (int64_t plane = 0; plane < p.planes; ++plane) {
    const int64_t depth = p.origin[0] + plane * g.step[0];
    for (int64_t r = 0; r < p.rows; ++r, out += p.columns) {
      const int64_t row = p.origin[1] + r;
      if (depth < 0 || depth >= g.src[0] || row < 0 || row >= g.src[1] || inside <= left) {
        __builtin_memset(out, 0, static_cast<size_t>(p.columns) * sizeof(T));
        continue;
      }
      const int64_t start = (depth * g.src[1] + row) * g.src[2] + first;
      for (int64_t i = 0; i < left; ++i) out[i] = T(0);
      for_each_vector<T>(left, inside, [&](int64_t i, int n) {
        Vec<T> v = Vec<T>::load(src + start + i, n);
        if (mask != nullptr) v = formula::relu_grad(v, Vec<T>::load(mask + start + i, n));
        v.store(out + i, n);
      });
      for (int64_t i = inside; i < p.columns; ++i) out[i] = T(0);
    }
  }
}

template <class T>
STRIATE_INLINE Vec<T> load_pixels(const T* from, int64_t stride, int n) {
  return stride == 1 ? Vec<T>::load(from, n) : Vec<T>::load_strided(from, stride, n);
}

// `rows` rows of one vector of pixels, all taps and channels.
template <class T, int rows>
STRIATE_INLINE void sum_taps(const T* patch, int64_t row_step, int64_t stride, int n, int64_t count,
                             const T* weight, const int64_t* place, Vec<T> bias,
                             Vec<T> (&sum)[kRows]) {
  for (int r = 0; r < rows; ++r) sum[r] = bias;
  for (int64_t k = 0; k < count; ++k) {
    const Vec<T> value = Vec<T>::set(weight[k]);
    const T* from = patch + place[k];
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      sum[r] = fma(value, load_pixels(from + r * row_step, stride, n), sum[r]);
  }
}

template <class T>
void run_task(const ImplicitGemm& g, int64_t sample, int64_t group, const T* src, const T* mask,
              const T* w, const T* bias, bool relu, T* dst, void* scratch) {
  const Geometry geometry{g.src, g.grid, g.src_stride, g.taps, g.tap_offset, g.tap_step};
  const int64_t count = g.depth();
  const int64_t src_plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t dst_plane = g.dst[0] * g.dst[1] * g.dst[2];
  const int64_t block = geometry.rows_per_block(g.channels);
  int64_t* place = static_cast<int64_t*>(scratch);
  T* weight = reinterpret_cast<T*>(place + count);
  T* patches = weight + count;
  const T* from = src + (sample * g.groups + group) * g.channels * src_plane;
  const T* from_mask = mask == nullptr ? nullptr : mask + (from - src);
  for (int64_t depth = 0; depth < g.grid[0]; ++depth) {
    for (int64_t row = 0; row < g.grid[1]; row += block) {
      const int64_t rows = least(block, g.grid[1] - row);
      const Patch patch = geometry.patch(depth, row, rows);
      for (int64_t c = 0; c < g.channels; ++c)
        copy_patch(geometry, patch, from + c * src_plane,
                   from_mask == nullptr ? nullptr : from_mask + c * src_plane,
                   patches + c * patch.size());
      for (int64_t m = 0; m < g.rows; ++m) {
        for (int64_t c = 0; c < g.channels; ++c) {
          for (int64_t t = 0; t < g.tap_count(); ++t) {
            const int64_t at[kSpatial] = {t / g.taps[2] / g.taps[1], t / g.taps[2] % g.taps[1],
                                          t % g.taps[2]};
            int64_t index[kSpatial];
            for (int i = 0; i < kSpatial; ++i) index[i] = g.w_index[i] + at[i] * g.w_step[i];
            const int64_t k = c * g.tap_count() + t;
            weight[k] = w[group * g.w_group + m * g.w_row + c * g.w_channel +
                          (index[0] * g.kernel[1] + index[1]) * g.kernel[2] + index[2]];
            place[k] = c * patch.size() + geometry.place(patch, t);
          }
        }
        const int64_t channel = group * g.rows + m;
        const Vec<T> start = bias == nullptr ? Vec<T>::zero() : Vec<T>::set(bias[channel]);
        T* to = dst + (sample * g.groups * g.rows + channel) * dst_plane;
        for (int64_t r = 0; r < rows; r += kRows) {
          const int live = static_cast<int>(least(kRows, rows - r));
          for_each_vector<T>(0, g.grid[2], [&](int64_t column, int n) {
            const int64_t row_step = g.src_stride[1] * patch.columns;
            const T* pixels = patches + r * row_step + column * g.src_stride[2];
            Vec<T> sum[kRows];
            if (live == kRows)
              sum_taps<T, kRows>(pixels, row_step, g.src_stride[2], n, count, weight, place, start,
                                 sum);
            else
              for (int i = 0; i < live; ++i) {
                Vec<T> one[kRows];
                sum_taps<T, 1>(pixels + i * row_step, row_step, g.src_stride[2], n, count, weight,
                               place, start, one);
                sum[i] = one[0];
              }
            for (int i = 0; i < live; ++i) {
              const Vec<T> y = relu ? formula::relu(sum[i]) : sum[i];
              T* out = to +
                       ((depth * g.dst_stride[0] + g.dst_offset[0]) * g.dst[1] +
                        (row + r + i) * g.dst_stride[1] + g.dst_offset[1]) *
                           g.dst[2] +
                       column * g.dst_stride[2] + g.dst_offset[2];
              if (g.dst_stride[2] == 1) {
                y.store(out, n);
              } else {
                T lane[Vec<T>::lanes];
                y.store(lane);
                for (int l = 0; l < n; ++l) out[l * g.dst_stride[2]] = lane[l];
              }
            }
          });
        }
      }
    }
  }
}

template <class T>
void conv(const ImplicitGemm& g, const T* src, const T* mask, const T* w, const T* bias, bool relu,
          T* dst, const Context& context) {
  if (g.rows == 0 || g.grid_size() == 0) return;
  const Geometry geometry{g.src, g.grid, g.src_stride, g.taps, g.tap_offset, g.tap_step};
  const int64_t block = geometry.rows_per_block(g.channels);
  const size_t scratch =
      static_cast<size_t>(g.depth()) * (sizeof(int64_t) + sizeof(T)) +
      static_cast<size_t>(g.channels * geometry.patch(0, 0, block).size() + Vec<T>::lanes) *
          sizeof(T);
  // Small planes go several to a chunk.
  const int64_t work = g.rows * g.depth() * g.grid_size() + 1;
  const int64_t together = work > 65536 ? 1 : ceil_div(65536, work);
  const int64_t planes = g.batch * g.groups;
  parallel_for(context, ceil_div(planes, together), scratch, [&](int64_t chunk, void* buffer) {
    for (int64_t i = chunk * together; i < (chunk + 1) * together && i < planes; ++i)
      run_task(g, i / g.groups, i % g.groups, src, mask, w, bias, relu, dst, buffer);
  });
}

// sums[t] += the products of `rows` rows of dy with what tap t sees of x, up to kTaps taps
// together.
template <class T>
STRIATE_INLINE void sum_products(const T* dy, int64_t rows, int64_t columns, const T* patch,
                                 int64_t row_step, int64_t stride, const int64_t* place, int taps,
                                 double* sums) {
  Vec<T> sum[kTaps];
  const T* from[kTaps];
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) {
    sum[t] = Vec<T>::zero();
    from[t] = patch + place[t < taps ? t : 0];
  }
  for (int64_t r = 0; r < rows; ++r) {
    for_each_vector<T>(0, columns, [&](int64_t column, int n) {
      const Vec<T> gradient = Vec<T>::load(dy + r * columns + column, n);
#pragma GCC unroll 9
      for (int t = 0; t < kTaps; ++t)
        sum[t] =
            fma(gradient, load_pixels(from[t] + r * row_step + column * stride, stride, n), sum[t]);
    });
  }
  for (int t = 0; t < taps; ++t) sums[t] += static_cast<double>(reduce_add(sum[t]));
}

template <class T>
void weight_grad(const ConvWeightGrad& plan, const T* dy, const T* x, const T* y, T* dw,
                 const Context& context) {
  const ConvProblem& p = plan.problem;
  const Window& w = p.window;
  const int64_t outputs = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  if (outputs == 0 || channels == 0) return;
  const int64_t offset[kSpatial] = {-w.pad[0], -w.pad[1], -w.pad[2]};
  const Geometry geometry{w.in, w.out, w.stride, w.kernel, offset, w.dilation};
  const int64_t taps = w.kernel_size();
  const int64_t block = geometry.rows_per_block(1);
  const int64_t patch_size = w.out_size() == 0 ? 0 : geometry.patch(0, 0, block).size();
  const size_t scratch =
      static_cast<size_t>(taps + kTaps) * (sizeof(int64_t) + outputs * sizeof(double)) +
      static_cast<size_t>(patch_size + block * w.out[2] + Vec<T>::lanes) * sizeof(T);
  // One chunk for each row of input channels of a group: dw[outputs][this channel][taps].
  parallel_for(context, p.groups * channels, scratch, [&](int64_t chunk, void* buffer) {
    const int64_t group = chunk / channels, channel = chunk % channels;
    double* sums = static_cast<double*>(buffer);  // [outputs][taps + kTaps]
    int64_t* place = reinterpret_cast<int64_t*>(sums + outputs * (taps + kTaps));
    T* patch_data = reinterpret_cast<T*>(place + taps + kTaps);
    T* masked = patch_data + patch_size;
    for (int64_t i = 0; i < outputs * (taps + kTaps); ++i) sums[i] = 0;
    for (int64_t n = 0; n < p.batch; ++n) {
      const T* from = x + (n * p.in_channels + group * channels + channel) * w.in_size();
      for (int64_t depth = 0; depth < w.out[0]; ++depth) {
        for (int64_t row = 0; row < w.out[1]; row += block) {
          const int64_t rows = least(block, w.out[1] - row);
          if (w.out[2] == 0) continue;
          const Patch patch = geometry.patch(depth, row, rows);
          copy_patch<T>(geometry, patch, from, nullptr, patch_data);
          for (int64_t t = 0; t < taps; ++t) place[t] = geometry.place(patch, t);
          for (int64_t o = 0; o < outputs; ++o) {
            const int64_t start = (n * p.out_channels + group * outputs + o) * w.out_size() +
                                  (depth * w.out[1] + row) * w.out[2];
            const T* gradient = dy + start;
            if (y != nullptr) {
              for_each_vector<T>(0, rows * w.out[2], [&](int64_t i, int lanes) {
                formula::relu_grad(Vec<T>::load(dy + start + i, lanes),
                                   Vec<T>::load(y + start + i, lanes))
                    .store(masked + i, lanes);
              });
              gradient = masked;
            }
            for (int64_t t = 0; t < taps; t += kTaps)
              sum_products(gradient, rows, w.out[2], patch_data, w.stride[1] * patch.columns,
                           w.stride[2], place + t, static_cast<int>(least(kTaps, taps - t)),
                           sums + o * (taps + kTaps) + t);
          }
        }
      }
    }
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t t = 0; t < taps; ++t)
        dw[((group * outputs + o) * channels + channel) * taps + t] =
            static_cast<T>(sums[o * (taps + kTaps) + t]);
  });
}

}  // namespace

void direct_conv(const ImplicitGemm& g, const float* src, const float* mask, const float* w,
                 const float* bias, bool relu, float* dst, const Context& context) {
  conv(g, src, mask, w, bias, relu, dst, context);
}
void direct_conv(const ImplicitGemm& g, const double* src, const double* mask, const double* w,
                 const double* bias, bool relu, double* dst, const Context& context) {
  conv(g, src, mask, w, bias, relu, dst, context);
}
void direct_weight_grad(const ConvWeightGrad& g, const float* dy, const float* x, const float* y,
                        float* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}
void direct_weight_grad(const ConvWeightGrad& g, const double* dy, const double* x, const double* y,
                        double* dw, const Context& context) {
  weight_grad(g, dy, x, y, dw, context);
}

}  // namespace striate::cpu::STRIATE_ISA
