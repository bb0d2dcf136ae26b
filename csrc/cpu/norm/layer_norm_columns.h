// Layer normalisation along an axis that is not the last one: positions are the lanes, and a chunk
// is a block of them. The block's means are computed first, then the squares around those.
#pragma once

#include "core/formula/batch_norm.h"
#include "core/spec/layer_norm.h"
#include "cpu/parallel.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu {
namespace {

// The blocks of positions of every row.
struct ColumnBlocks {
  int64_t together, per_row, count;

  explicit STRIATE_INLINE ColumnBlocks(const LayerNormProblem& p)
      : together(positions_per_block(p.channels)),
        per_row(ceil_div(p.inner, together)),
        count(p.rows * per_row) {}

  STRIATE_INLINE int64_t offset(const LayerNormProblem& p, int64_t block) const {
    return block / per_row * p.channels * p.inner + block % per_row * together;
  }
  STRIATE_INLINE int64_t positions(const LayerNormProblem& p, int64_t block) const {
    const int64_t left = p.inner - block % per_row * together;
    return left < together ? left : together;
  }
};

// centre, scale and shift of NormalizeFactors for each of a block's positions.
template <class T>
struct ColumnMoments {
  T centre[kPositionsPerBlock], scale[kPositionsPerBlock], shift[kPositionsPerBlock];

  ColumnMoments(const LayerNormProblem& p, const T* x, int64_t positions) {
    T sum[kPositionsPerBlock], squares[kPositionsPerBlock];
    const Vec<T> one_part = Vec<T>::set(static_cast<T>(1.0 / static_cast<double>(p.channels)));
    const auto each = [&](const auto& body) { for_each_vector<T>(0, positions, body); };
    const auto distance = [&](int64_t c, int64_t i, int n) {
      return Vec<T>::load(x + c * p.inner + i, n) - Vec<T>::load(centre + i, n);
    };
    each([&](int64_t i, int n) { Vec<T>::load(x + i, n).store(centre + i, n); });
    block_sum(p.channels, positions, sum, distance);
    each([&](int64_t i, int n) {
      fma(Vec<T>::load(sum + i, n), one_part, Vec<T>::load(centre + i, n)).store(centre + i, n);
    });
    block_sum(p.channels, positions, sum, distance);
    block_sum(p.channels, positions, squares, [&](int64_t c, int64_t i, int n) {
      const Vec<T> d = distance(c, i, n);
      return d * d;
    });
    const double count = static_cast<double>(p.channels);
    for (int64_t i = 0; i < positions; ++i) {
      const auto moments = formula::Moments::around(centre[i], count, sum[i], squares[i]);
      const double inverse = formula::inverse_std(moments.squares / count, p.eps);
      scale[i] = static_cast<T>(inverse);
      shift[i] = static_cast<T>((centre[i] - moments.mean) * inverse);
    }
  }

  STRIATE_INLINE Vec<T> normalized(Vec<T> x, int64_t i, int n) const {
    return formula::normalize(x, Vec<T>::load(centre + i, n), Vec<T>::load(scale + i, n),
                              Vec<T>::load(shift + i, n));
  }
};

template <class T>
void forward_columns(const LayerNormProblem& p, const T* x, const T* gamma, const T* beta, T* y,
                     const Context& context) {
  const ColumnBlocks blocks(p);
  parallel_for(context, blocks.count, 0, [&](int64_t block, void*) {
    const int64_t at = blocks.offset(p, block), positions = blocks.positions(p, block);
    const ColumnMoments<T> moments(p, x + at, positions);
    for (int64_t c = 0; c < p.channels; ++c) {
      const Vec<T> g = Vec<T>::set(gamma == nullptr ? T(1) : gamma[c]);
      const Vec<T> b = Vec<T>::set(beta == nullptr ? T(0) : beta[c]);
      const int64_t from = at + c * p.inner;
      for_each_vector<T>(0, positions, [&](int64_t i, int n) {
        const Vec<T> z = moments.normalized(Vec<T>::load(x + from + i, n), i, n);
        fma(z, g, b).store(y + from + i, n);
      });
    }
  });
}

// dx = scale (g - the mean of g - z times the mean of g z), with g = dy gamma
template <class T>
void grad_columns(const LayerNormProblem& p, const T* dy, const T* x, const T* gamma, T* dx,
                  T* dgamma, T* dbeta, const Context& context) {
  const ColumnBlocks blocks(p);
  double* const partial = static_cast<double*>(
      context.allocate(static_cast<size_t>(blocks.count * 2 * p.channels) * sizeof(double)));
  parallel_for(context, blocks.count, 0, [&](int64_t block, void*) {
    const int64_t at = blocks.offset(p, block), positions = blocks.positions(p, block);
    const ColumnMoments<T> moments(p, x + at, positions);
    const auto g_at = [&](int64_t c, int64_t i, int n) {
      const Vec<T> own = Vec<T>::load(dy + at + c * p.inner + i, n);
      return gamma == nullptr ? own : own * Vec<T>::set(gamma[c]);
    };
    const auto z_at = [&](int64_t c, int64_t i, int n) {
      return moments.normalized(Vec<T>::load(x + at + c * p.inner + i, n), i, n);
    };
    T mean_g[kPositionsPerBlock], mean_gz[kPositionsPerBlock];
    block_sum(p.channels, positions, mean_g, g_at);
    block_sum(p.channels, positions, mean_gz,
              [&](int64_t c, int64_t i, int n) { return g_at(c, i, n) * z_at(c, i, n); });
    const Vec<T> one_part = Vec<T>::set(static_cast<T>(1.0 / static_cast<double>(p.channels)));
    for_each_vector<T>(0, positions, [&](int64_t i, int n) {
      (Vec<T>::load(mean_g + i, n) * one_part).store(mean_g + i, n);
      (Vec<T>::load(mean_gz + i, n) * one_part).store(mean_gz + i, n);
    });
    for (int64_t c = 0; c < p.channels; ++c) {
      Vec<T> sum_z = Vec<T>::zero(), sum = Vec<T>::zero();
      for_each_vector<T>(0, positions, [&](int64_t i, int n) {
        const Vec<T> z = z_at(c, i, n), own = Vec<T>::load(dy + at + c * p.inner + i, n);
        const Vec<T> rest = g_at(c, i, n) - Vec<T>::load(mean_g + i, n);
        (Vec<T>::load(moments.scale + i, n) * (rest - z * Vec<T>::load(mean_gz + i, n)))
            .store(dx + at + c * p.inner + i, n);
        sum_z = fma(own, z, sum_z);
        sum = sum + own;
      });
      partial[block * 2 * p.channels + c] = reduce_add(sum_z);
      partial[block * 2 * p.channels + p.channels + c] = reduce_add(sum);
    }
  });
  for (int64_t block = 1; block < blocks.count; ++block)
    for (int64_t i = 0; i < 2 * p.channels; ++i) partial[i] += partial[block * 2 * p.channels + i];
  for (int64_t c = 0; c < p.channels; ++c) {
    dgamma[c] = static_cast<T>(partial[c]);
    dbeta[c] = static_cast<T>(partial[p.channels + c]);
  }
  context.deallocate(partial);
}

}  // namespace
}  // namespace striate::cpu
