// Batch normalisation of (batch, channels): the lanes are channels. A chunk is a tile of columns,
// read in blocks of rows.
#pragma once

#include "core/formula/activation.h"
#include "core/formula/batch_norm.h"
#include "core/spec/batch_norm.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

constexpr int64_t kRows = 32;    // of a block
constexpr int kTileVectors = 4;  // columns of a tile

template <bool kValue>
struct Flag {};

template <class T>
STRIATE_INLINE T value_or(const T* array, int64_t i, T otherwise) {
  return array == nullptr ? otherwise : array[i];
}

// body(full, first column, columns) for every tile; `full` says at compile time whether columns has
// its greatest value.
template <class T, class Body>
STRIATE_INLINE void for_each_tile(const BatchNormProblem& p, const Context& context,
                                  const Body& body) {
  constexpr int width = kTileVectors * Vec<T>::lanes;
  parallel_for(context, ceil_div(p.channels, width), 0, [&](int64_t chunk, void*) {
    const int64_t first = chunk * width, left = p.channels - first;
    if (left >= width)
      body(Flag<true>{}, first, width);
    else
      body(Flag<false>{}, first, static_cast<int>(left));
  });
}

// body(v, lanes) for the vectors of a tile's row.
template <class T, bool kFull, class Body>
STRIATE_INLINE void for_each_of_tile(Flag<kFull>, int columns, const Body& body) {
  constexpr int lanes = Vec<T>::lanes;
#pragma GCC unroll 4
  for (int v = 0; v < kTileVectors; ++v) {
    const int left = columns - v * lanes;
    if (kFull || left >= lanes)
      body(v, lanes);
    else if (left > 0)
      body(v, left);
  }
}

// finish(channel, moments) gives a channel's NormalizeFactors.
template <class T, class Finish>
void train_rows(const BatchNormProblem& p, const T* x, T* y, const Context& context,
                const Finish& finish) {
  constexpr int lanes = Vec<T>::lanes, width = kTileVectors * lanes;
  for_each_tile<T>(p, context, [&](auto full, int64_t first, int columns) {
    double mean[width] = {}, squares[width] = {};
    for (int64_t row = 0; row < p.batch; row += kRows) {
      const int64_t rows = p.batch - row < kRows ? p.batch - row : kRows;
      const T* const from = x + row * p.channels + first;
      Vec<T> centre[kTileVectors], sum[kTileVectors], sum_of_squares[kTileVectors];
      for_each_of_tile<T>(full, columns, [&](int v, int n) {
        centre[v] = Vec<T>::load(from + v * lanes, n);
        sum[v] = sum_of_squares[v] = Vec<T>::zero();
      });
      for (int64_t r = 1; r < rows; ++r)
        for_each_of_tile<T>(full, columns, [&](int v, int n) {
          sum[v] = sum[v] + (Vec<T>::load(from + r * p.channels + v * lanes, n) - centre[v]);
        });
      for_each_of_tile<T>(full, columns, [&](int v, int) {
        centre[v] = centre[v] + sum[v] / Vec<T>::set(static_cast<T>(rows));
        sum[v] = Vec<T>::zero();
      });
      for (int64_t r = 0; r < rows; ++r)
        for_each_of_tile<T>(full, columns, [&](int v, int n) {
          const Vec<T> d = Vec<T>::load(from + r * p.channels + v * lanes, n) - centre[v];
          sum[v] = sum[v] + d;
          sum_of_squares[v] = fma(d, d, sum_of_squares[v]);
        });
      T centres[width] = {}, sums[width] = {}, sums_of_squares[width] = {};
      for_each_of_tile<T>(full, columns, [&](int v, int) {
        centre[v].store(centres + v * lanes);
        sum[v].store(sums + v * lanes);
        sum_of_squares[v].store(sums_of_squares + v * lanes);
      });
      const formula::MomentsMerge merge(static_cast<double>(row), static_cast<double>(rows));
      for (int i = 0; i < width; ++i)
        merge(mean[i], squares[i], centres[i], sums[i], sums_of_squares[i]);
    }
    T centre[width] = {}, scale[width] = {}, shift[width] = {};
    for (int i = 0; i < columns; ++i) {
      const auto factors =
          finish(first + i, formula::Moments{static_cast<double>(p.batch), mean[i], squares[i]});
      centre[i] = factors.centre;
      scale[i] = factors.scale;
      shift[i] = factors.shift;
    }
    for (int64_t r = 0; r < p.batch; ++r)
      for_each_of_tile<T>(full, columns, [&](int v, int n) {
        const int at = v * lanes;
        const int64_t i = r * p.channels + first + at;
        formula::normalize(Vec<T>::load(x + i, n), Vec<T>::load(centre + at),
                           Vec<T>::load(scale + at), Vec<T>::load(shift + at))
            .store(y + i, n);
      });
  });
}

// finish(channel, sums) gives a channel's BatchNormGradFactors.
template <class T, class Finish>
void grad_rows(const BatchNormProblem& p, const T* dy, const T* x, const T* mean, bool frozen,
               T* dx, const Context& context, const Finish& finish) {
  constexpr int lanes = Vec<T>::lanes, width = kTileVectors * lanes;
  for_each_tile<T>(p, context, [&](auto full, int64_t first, int columns) {
    double total_dy[width] = {}, total_dy_x[width] = {}, total_x[width] = {};
    for (int64_t row = 0; row < p.batch; row += kRows) {
      const int64_t end = row + kRows < p.batch ? row + kRows : p.batch;
      Vec<T> centre[kTileVectors], sum_dy[kTileVectors], sum_dy_x[kTileVectors],
          sum_x[kTileVectors];
      for_each_of_tile<T>(full, columns, [&](int v, int n) {
        centre[v] = Vec<T>::load(mean + first + v * lanes, n);
        sum_dy[v] = sum_dy_x[v] = sum_x[v] = Vec<T>::zero();
      });
      for (int64_t r = row; r < end; ++r)
        for_each_of_tile<T>(full, columns, [&](int v, int n) {
          const int64_t i = r * p.channels + first + v * lanes;
          const Vec<T> g = Vec<T>::load(dy + i, n), d = Vec<T>::load(x + i, n) - centre[v];
          sum_dy[v] = sum_dy[v] + g;
          sum_dy_x[v] = fma(g, d, sum_dy_x[v]);
          sum_x[v] = sum_x[v] + d;
        });
      T sums[3][width] = {};
      for_each_of_tile<T>(full, columns, [&](int v, int) {
        sum_dy[v].store(sums[0] + v * lanes);
        sum_dy_x[v].store(sums[1] + v * lanes);
        sum_x[v].store(sums[2] + v * lanes);
      });
      for (int i = 0; i < width; ++i) {
        total_dy[i] += sums[0][i];
        total_dy_x[i] += sums[1][i];
        total_x[i] += sums[2][i];
      }
    }
    T centre[width] = {}, a[width] = {}, b[width] = {}, c[width] = {};
    for (int i = 0; i < columns; ++i) {
      const auto factors =
          finish(first + i, formula::BatchNormSums{total_dy[i], total_dy_x[i], total_x[i]});
      centre[i] = factors.centre;
      a[i] = factors.a;
      b[i] = factors.b;
      c[i] = factors.c;
    }
    for (int64_t r = 0; r < p.batch; ++r)
      for_each_of_tile<T>(full, columns, [&](int v, int n) {
        const int at = v * lanes;
        const int64_t i = r * p.channels + first + at;
        const Vec<T> g = Vec<T>::load(dy + i, n), scale = Vec<T>::load(a + at);
        const Vec<T> value =
            frozen ? scale * g
                   : formula::batch_norm_grad(g, Vec<T>::load(x + i, n), Vec<T>::load(centre + at),
                                              scale, Vec<T>::load(b + at), Vec<T>::load(c + at));
        value.store(dx + i, n);
      });
  });
}

// factors_of(channel) for all channels, in arrays of their own; then rows are read as they lie.
template <bool kRelu, class T, class FactorsOf>
void infer_rows(const BatchNormProblem& p, const T* x, const FactorsOf& factors_of, T* y,
                const Context& context) {
  constexpr int64_t kChannels = 256;  // of a chunk
  const Workspace<T> factors(context, 3 * p.channels);
  T* const centre = factors.data();
  T* const scale = centre + p.channels;
  T* const shift = scale + p.channels;
  parallel_for(context, ceil_div(p.channels, kChannels), 0, [=](int64_t chunk, void*) {
    const int64_t end = least((chunk + 1) * kChannels, p.channels);
    for (int64_t c = chunk * kChannels; c < end; ++c) {
      const formula::NormalizeFactors<T> f = factors_of(c);
      centre[c] = f.centre;
      scale[c] = f.scale;
      shift[c] = f.shift;
    }
  });
  const int64_t pieces = ceil_div(p.channels, kElementsPerChunk);
  const int64_t rows = ceil_div(kElementsPerChunk, p.channels);
  parallel_for(context, ceil_div(p.batch, rows) * pieces, 0, [=](int64_t chunk, void*) {
    const int64_t first = chunk % pieces * kElementsPerChunk;
    const int64_t last = least(first + kElementsPerChunk, p.channels);
    const int64_t end = least((chunk / pieces + 1) * rows, p.batch);
    for (int64_t row = chunk / pieces * rows; row < end; ++row) {
      const int64_t at = row * p.channels;
      for_each_vector<T>(first, last, [=](int64_t c, int n) {
        const Vec<T> value =
            formula::normalize(Vec<T>::load(x + at + c, n), Vec<T>::load(centre + c, n),
                               Vec<T>::load(scale + c, n), Vec<T>::load(shift + c, n));
        (kRelu ? formula::relu(value) : value).store(y + at + c, n);
      });
    }
  });
}

}  // namespace
}  // namespace striate::cpu
