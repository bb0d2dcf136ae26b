// The register tile of weight gradients: a few pairs (channel and kernel position) of x, whose
// pixels are broadcast, against vectors of outputs of dy. Pairs are pointers to their first pixels:
// whatever lies a fixed distance apart needs no packing.
#pragma once

#include "cpu/parallel.h"
#include "cpu/transpose.h"

namespace striate::cpu {
namespace {

// Sums in registers: outputs as vectors, pairs as broadcasts.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kBroadcastVectors = 4;
#else
inline constexpr int kBroadcastVectors = 2;
#endif
inline constexpr int kBroadcastPairs = 6;

// The pixels that a tile adds up: `planes` of rows of columns, and the distances in x between them.
struct PixelGrid {
  int64_t planes, rows, columns;
  int64_t plane_step, row_step, column_step;
  int64_t dy_gap = 0;  // between what two planes read of dy
};

// sum[pair][vector] += x[pair][pixel] * dy[pixel][vector] for one pixel
template <class T, int pairs, int vectors>
STRIATE_INLINE void add_pixel(const T* const* from, int64_t pixel, const T* dy,
                              Vec<T> (&sum)[pairs][vectors]) {
  Vec<T> outputs[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) outputs[v] = Vec<T>::load(dy + v * Vec<T>::lanes);
#pragma GCC unroll 6
  for (int k = 0; k < pairs; ++k) {
    const Vec<T> value = Vec<T>::set(from[k][pixel]);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[k][v] = fma(value, outputs[v], sum[k][v]);
  }
}

// sums[pair][vector] = (or, to add, +=) sum over pixels of x[pair][pixel] * dy[pixel][vector].
// Not inlined: what surrounds it must not take registers from the sums.
template <class T, int pairs, int vectors>
__attribute__((noinline)) void multiply_pairs(const PixelGrid& grid, const T* const* pair, int live,
                                              const T* dy, T* sums, bool add) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[pairs][vectors];
  const T* from[pairs];
#pragma GCC unroll 6
  for (int k = 0; k < pairs; ++k) {
    from[k] = pair[k < live ? k : 0];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[k][v] = Vec<T>::zero();
  }
  for (int64_t p = 0; p < grid.planes; ++p) {
    for (int64_t r = 0; r < grid.rows; ++r) {
      const int64_t step = grid.column_step, end = grid.columns * step;
      int64_t i = 0;
      for (; i + step < end; i += 2 * step) {
#pragma GCC unroll 2
        for (int at = 0; at < 2; ++at) {
          add_pixel<T, pairs, vectors>(from, i + at * step, dy, sum);
          dy += vectors * lanes;
          asm volatile("" : "+r"(dy) : : "memory");  // as in multiply_tile
        }
      }
      if (i < end) {
        add_pixel<T, pairs, vectors>(from, i, dy, sum);
        dy += vectors * lanes;
      }
#pragma GCC unroll 6
      for (int k = 0; k < pairs; ++k) from[k] += grid.row_step;
    }
#pragma GCC unroll 6
    for (int k = 0; k < pairs; ++k) from[k] += grid.plane_step - grid.rows * grid.row_step;
    dy += grid.dy_gap;
  }
#pragma GCC unroll 6
  for (int k = 0; k < pairs; ++k) {
    if (k >= live) break;
    T* to = sums + k * vectors * lanes;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      (add ? Vec<T>::load(to + v * lanes) + sum[k][v] : sum[k][v]).store(to + v * lanes);
  }
}

// With the smallest compiled number of pairs that holds `live`.
template <class T>
STRIATE_INLINE void multiply_pairs(int vectors, const PixelGrid& grid, const T* const* pair,
                                   int live, const T* dy, T* sums, bool add) {
  const auto run = [&](auto all, auto half) {
    (live <= kBroadcastPairs / 2 ? half : all)(grid, pair, live, dy, sums, add);
  };
  constexpr int all = kBroadcastPairs, half = all / 2;
  if (vectors == 1) return run(multiply_pairs<T, all, 1>, multiply_pairs<T, half, 1>);
  if (vectors == 2) return run(multiply_pairs<T, all, 2>, multiply_pairs<T, half, 2>);
  if constexpr (kBroadcastVectors > 2) {
    if (vectors == 3) return run(multiply_pairs<T, all, 3>, multiply_pairs<T, half, 3>);
    run(multiply_pairs<T, all, 4>, multiply_pairs<T, half, 4>);
  }
}

// sums += those of the other slices, `step` apart, in order.
template <class T>
void add_slices(T* sums, int64_t size, int64_t slices, int64_t step) {
  for_each_vector<T>(0, size, [&](int64_t i, int n) {
    Vec<T> sum = Vec<T>::load(sums + i, n);
    for (int64_t s = 1; s < slices; ++s) sum = sum + Vec<T>::load(sums + s * step + i, n);
    sum.store(sums + i, n);
  });
}

// dw[output][k] = sums[k][output], for k < count: false where one is not finite.
template <class T>
bool write_weights(const T* sums, int64_t count, int64_t width, int64_t outputs, T* dw,
                   int64_t row) {
  constexpr int lanes = Vec<T>::lanes, piece = kPiece<T>;
  Vec<T> check = Vec<T>::zero();
  for (int64_t o = 0; o < outputs; o += lanes) {
    const int live = static_cast<int>(least(lanes, outputs - o));
    for (int64_t k = 0; k < count; k += piece) {
      const int n = static_cast<int>(least(piece, count - k));
      Vec<T> column[piece];
      for (int i = 0; i < piece; ++i) {
        column[i] = i < n ? Vec<T>::load(sums + (k + i) * width + o) : Vec<T>::zero();
        check = fma(column[i], Vec<T>::zero(), check);  // NaN from now on, if it is not finite
      }
      store_columns(column, dw + o * row + k, row, live, n);
    }
  }
  return !any(is_nan(check));
}

}  // namespace
}  // namespace striate::cpu
