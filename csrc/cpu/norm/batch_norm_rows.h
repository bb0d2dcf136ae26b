// Batch normalisation of (batch, channels): the lanes are channels. A chunk is a tile of columns,
// read in blocks of rows.
#pragma once

#include "core/formula/activation.h"
#include "core/formula/batch_norm.h"
#include "core/spec/batch_norm.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

constexpr int64_t kRows = 64;     // of a block
constexpr int kTileVectors = 4;   // columns of a tile

template <class T>
STRIATE_INLINE T at(const T* array, int64_t i, T otherwise) {
  return array == nullptr ? otherwise : array[i];
}

// body(first column, columns) for every tile; columns is at most kTileVectors vectors'.
template <class T, class Body>
STRIATE_INLINE void for_each_tile(const BatchNormProblem& p, const Context& context,
                                  const Body& body) {
  constexpr int width = kTileVectors * Vec<T>::lanes;
  parallel_for(context, ceil_div(p.channels, width), 0, [&](int64_t chunk, void*) {
    const int64_t first = chunk * width, left = p.channels - first;
    body(first, left < width ? static_cast<int>(left) : width);
  });
}

// finish(channel, moments) gives a channel's NormalizeFactors.
template <class T, class Finish>
void train_rows(const BatchNormProblem& p, const T* x, T* y, const Context& context,
                const Finish& finish) {
  constexpr int width = kTileVectors * Vec<T>::lanes;
  for_each_tile<T>(p, context, [&](int64_t first, int columns) {
    double mean[width] = {}, squares_about_it[width] = {};
    for (int64_t row = 0; row < p.batch; row += kRows) {
      const int64_t rows = p.batch - row < kRows ? p.batch - row : kRows;
      T centres[width] = {}, sums[width] = {}, all_squares[width] = {};
      for_each_vector<T>(0, columns, [&](int64_t column, int n) {
        const T* from = x + row * p.channels + first + column;
        Vec<T> centre = Vec<T>::load(from, n), rough = Vec<T>::zero();
        for (int64_t r = 1; r < rows; ++r)
          rough = rough + (Vec<T>::load(from + r * p.channels, n) - centre);
        centre = centre + rough / Vec<T>::set(static_cast<T>(rows));
        Vec<T> sum = Vec<T>::zero(), squares = Vec<T>::zero();
        for (int64_t r = 0; r < rows; ++r) {
          const Vec<T> d = Vec<T>::load(from + r * p.channels, n) - centre;
          sum = sum + d;
          squares = fma(d, d, squares);
        }
        centre.store(centres + column);
        sum.store(sums + column);
        squares.store(all_squares + column);
      });
      const formula::MomentsMerge merge(static_cast<double>(row), static_cast<double>(rows));
      for (int i = 0; i < width; ++i)
        merge(mean[i], squares_about_it[i], centres[i], sums[i], all_squares[i]);
    }
    T centre[width] = {}, scale[width] = {}, shift[width] = {};
    for (int i = 0; i < columns; ++i) {
      const auto factors = finish(
          first + i, formula::Moments{static_cast<double>(p.batch), mean[i], squares_about_it[i]});
      centre[i] = factors.centre;
      scale[i] = factors.scale;
      shift[i] = factors.shift;
    }
    for (int64_t r = 0; r < p.batch; ++r)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        const int64_t from = r * p.channels + first + i;
        formula::normalize(Vec<T>::load(x + from, n), Vec<T>::load(centre + i),
                           Vec<T>::load(scale + i), Vec<T>::load(shift + i))
            .store(y + from, n);
      });
  });
}

// finish(channel, sums) gives a channel's BatchNormGradFactors.
template <class T, class Finish>
void grad_rows(const BatchNormProblem& p, const T* dy, const T* x, const T* mean, bool frozen,
               T* dx, const Context& context, const Finish& finish) {
  constexpr int lanes = Vec<T>::lanes, width = kTileVectors * lanes;
  for_each_tile<T>(p, context, [&](int64_t first, int columns) {
    formula::BatchNormSums totals[width] = {};
    for (int64_t row = 0; row < p.batch; row += kRows) {
      const int64_t rows = p.batch - row < kRows ? p.batch - row : kRows;
      for_each_vector<T>(0, columns, [&](int64_t column, int n) {
        const int64_t from = row * p.channels + first + column;
        const Vec<T> centre = Vec<T>::load(mean + first + column, n);
        Vec<T> sum_dy = Vec<T>::zero(), sum_dy_x = sum_dy, sum_x = sum_dy;
        for (int64_t r = 0; r < rows; ++r) {
          const Vec<T> g = Vec<T>::load(dy + from + r * p.channels, n);
          const Vec<T> d = Vec<T>::load(x + from + r * p.channels, n) - centre;
          sum_dy = sum_dy + g;
          sum_dy_x = fma(g, d, sum_dy_x);
          sum_x = sum_x + d;
        }
        T part[3][lanes];
        sum_dy.store(part[0]);
        sum_dy_x.store(part[1]);
        sum_x.store(part[2]);
        for (int i = 0; i < n; ++i)
          totals[column + i].merge({part[0][i], part[1][i], part[2][i]});
      });
    }
    T centre[width] = {}, a[width] = {}, b[width] = {}, c[width] = {};
    for (int i = 0; i < columns; ++i) {
      const auto factors = finish(first + i, totals[i]);
      centre[i] = factors.centre;
      a[i] = factors.a;
      b[i] = factors.b;
      c[i] = factors.c;
    }
    for (int64_t r = 0; r < p.batch; ++r)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        const int64_t from = r * p.channels + first + i;
        const Vec<T> g = Vec<T>::load(dy + from, n), scale = Vec<T>::load(a + i);
        const Vec<T> v =
            frozen ? scale * g
                   : formula::batch_norm_grad(g, Vec<T>::load(x + from, n), Vec<T>::load(centre + i),
                                              scale, Vec<T>::load(b + i), Vec<T>::load(c + i));
        v.store(dx + from, n);
      });
  });
}

template <bool kRelu, class T>
void infer_rows(const BatchNormProblem& p, const T* x, const formula::NormalizeFactors<T>* factors,
                T* y, const Context& context) {
  constexpr int width = kTileVectors * Vec<T>::lanes;
  for_each_tile<T>(p, context, [&](int64_t first, int columns) {
    T centre[width] = {}, scale[width] = {}, shift[width] = {};
    for (int i = 0; i < columns; ++i) {
      centre[i] = factors[first + i].centre;
      scale[i] = factors[first + i].scale;
      shift[i] = factors[first + i].shift;
    }
    for (int64_t r = 0; r < p.batch; ++r)
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        const int64_t from = r * p.channels + first + i;
        const Vec<T> v =
            formula::normalize(Vec<T>::load(x + from, n), Vec<T>::load(centre + i),
                               Vec<T>::load(scale + i), Vec<T>::load(shift + i));
        (kRelu ? formula::relu(v) : v).store(y + from, n);
      });
  });
}

}  // namespace
}  // namespace striate::cpu
