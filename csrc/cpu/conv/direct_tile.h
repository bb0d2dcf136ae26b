// The inner loops of direct convolution: several rows of the result, one vector of pixels wide, in
// registers. A vector of the patch is loaded once for each column of the kernel and serves all the
// rows of the result that see it.
#pragma once

#include "core/formula/activation.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

// Channels of the result in registers together.
inline constexpr int kChannelTile = kVectorBytes == 64 ? 4 : 2;

template <class T>
struct DirectTile {
  int64_t pitch;       // of the patch's rows
  int64_t row_stride;  // rows of the patch from one row of the result to the next
  int64_t row_step;    // and from one tap to the next
  int64_t taps_h, taps_w;
  int64_t planes, plane;  // of the patch, and elements of each
  const int64_t* places;  // [taps_w]
  const T* weights;       // [channels][planes][taps_w][taps_h], single or a vector each
  int64_t weight_row;
  const T* bias;  // [channels], likewise
  bool relu;
  int64_t columns;
  int64_t out_pitch, out_plane;
};

// The order of a sum's terms does not depend on the tile.
template <class T, int taps_h, int stride, int rows, int channels, bool vectors>
void direct_tile(const DirectTile<T>& t, const T* patch, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int width = vectors ? lanes : 1;
  const auto value = [](const T* p) { return vectors ? Vec<T>::load(p) : Vec<T>::set(*p); };
  for (int64_t column = 0; column < t.columns; column += lanes) {
    Vec<T> sum[channels][rows];
#pragma GCC unroll 8
    for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) sum[m][r] = value(t.bias + m * width);
    const T* weights = t.weights;
    for (int64_t plane = 0; plane < t.planes; ++plane) {
      for (int64_t w = 0; w < t.taps_w; ++w) {
        const T* from = patch + plane * t.plane + t.places[w] + column;
        if constexpr (taps_h > 0) {
          Vec<T> weight[channels][taps_h];
#pragma GCC unroll 8
          for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
            for (int h = 0; h < taps_h; ++h)
              weight[m][h] = value(weights + m * t.weight_row + h * width);
#pragma GCC unroll 32
          for (int i = 0; i < (rows - 1) * stride + taps_h; ++i) {
            const Vec<T> pixels = Vec<T>::load(from);
            from += t.pitch;
#pragma GCC unroll 8
            for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
              for (int h = 0; h < taps_h; ++h) {
                const int r = (i - h) / stride;
                if (i >= h && (i - h) % stride == 0 && r < rows)
                  sum[m][r] = fma(weight[m][h], pixels, sum[m][r]);
              }
          }
          weights += taps_h * width;
        } else {
          for (int64_t h = 0; h < t.taps_h; ++h, weights += width) {
#pragma GCC unroll 8
            for (int r = 0; r < rows; ++r) {
              const Vec<T> pixels =
                  Vec<T>::load(from + (h * t.row_step + r * t.row_stride) * t.pitch);
#pragma GCC unroll 8
              for (int m = 0; m < channels; ++m)
                sum[m][r] = fma(value(weights + m * t.weight_row), pixels, sum[m][r]);
            }
          }
        }
      }
    }
    const int64_t left = t.columns - column;
#pragma GCC unroll 8
    for (int m = 0; m < channels; ++m)
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        const Vec<T> y = t.relu ? formula::relu(sum[m][r]) : sum[m][r];
        T* to = out + m * t.out_plane + r * t.out_pitch + column;
        if (left >= lanes)
          y.store(to);
        else
          y.store(to, static_cast<int>(left));
      }
  }
}

template <class T>
using DirectTileFunction = void (*)(const DirectTile<T>&, const T*, T*);

// For tiles of 7, 4 and 1 rows of one channel, and of 4 and 1 rows of kChannelTile channels.
template <class T>
struct DirectTiles {
  DirectTileFunction<T> seven, four, one, many_four, many_one;
};

template <class T, int taps_h, int stride, bool vectors>
DirectTiles<T> direct_tiles_of() {
  DirectTiles<T> f{};
  f.seven = direct_tile<T, taps_h, stride, 7, 1, vectors>;
  f.four = direct_tile<T, taps_h, stride, 4, 1, vectors>;
  f.one = direct_tile<T, 0, 0, 1, 1, vectors>;
  if constexpr (!vectors) {
    f.many_four = direct_tile<T, taps_h, stride, 4, kChannelTile, false>;
    f.many_one = direct_tile<T, 0, 0, 1, kChannelTile, false>;
  }
  return f;
}

template <class T, bool vectors>
DirectTiles<T> direct_tiles(int64_t taps_h, int64_t row_step, int64_t row_stride) {
  if (row_step == 1 && row_stride == 1) {
    if (taps_h == 1) return direct_tiles_of<T, 1, 1, vectors>();
    if (taps_h == 2) return direct_tiles_of<T, 2, 1, vectors>();
    if (taps_h == 3) return direct_tiles_of<T, 3, 1, vectors>();
    if (taps_h == 4) return direct_tiles_of<T, 4, 1, vectors>();
    if (taps_h == 5) return direct_tiles_of<T, 5, 1, vectors>();
    if (taps_h == 7) return direct_tiles_of<T, 7, 1, vectors>();
  }
  if (row_step == 1 && row_stride == 2) {
    if (taps_h == 3) return direct_tiles_of<T, 3, 2, vectors>();
    if (taps_h == 5) return direct_tiles_of<T, 5, 2, vectors>();
  }
  return direct_tiles_of<T, 0, 0, vectors>();
}

}  // namespace
}  // namespace striate::cpu
