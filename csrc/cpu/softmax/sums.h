// Maxima and sums over classes, which softmax and cross-entropy share. The classes lie side by side
// ("row"), or `stride` apart with positions side by side, which are then the lanes ("block").
#pragma once

#include "core/formula/exp_log.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

inline constexpr int64_t kVectorsPerSum = 64;  // added up in T; their sums are added up in double
inline constexpr int64_t kClassesPerSum = 32;  // the same where positions are the lanes
inline constexpr int64_t kPositionsPerBlock = 512;
inline constexpr int64_t kElementsPerBlock =
    8192;  // with their gradients they stay in the L1 cache

STRIATE_INLINE double log_of(double x) { return formula::log(Vec<double>::set(x)).raw[0]; }

// A NaN may be lost.
template <class T>
STRIATE_INLINE T row_max(const T* x, int64_t count) {
  const Vec<T> lowest = Vec<T>::set(-static_cast<T>(__builtin_inf()));
  Vec<T> best[2] = {lowest, lowest};
  int64_t i = 0;
  for (; i + 2 * Vec<T>::lanes <= count; i += 2 * Vec<T>::lanes)
    for (int v = 0; v < 2; ++v) best[v] = max(Vec<T>::load(x + i + v * Vec<T>::lanes), best[v]);
  for_each_vector<T>(i, count, [&](int64_t at, int n) {
    const Vec<T> v = Vec<T>::load(x + at, n);
    best[0] = max(select(first_lanes<T>(n), v, lowest), best[0]);
  });
  return reduce_max(max(best[0], best[1]));
}

// The sum of term(i, n), a vector whose first n lanes count.
template <class T, class Term>
STRIATE_INLINE double row_sum(int64_t count, const Term& term) {
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kVectorsPerSum * Vec<T>::lanes) {
    const int64_t end = begin + kVectorsPerSum * Vec<T>::lanes;
    Vec<T> partial = Vec<T>::zero();
    for_each_vector<T>(begin, end < count ? end : count, [&](int64_t i, int n) {
      partial = partial + select(first_lanes<T>(n), term(i, n), Vec<T>::zero());
    });
    sum += reduce_add(partial);
  }
  return sum;
}

// top[i]: the greatest of x[c * stride + i]; a NaN may be lost.
template <class T>
STRIATE_INLINE void block_max(const T* x, int64_t classes, int64_t stride, int64_t count, T* top) {
  const Vec<T> lowest = Vec<T>::set(-static_cast<T>(__builtin_inf()));
  for_each_vector<T>(0, count, [&](int64_t i, int n) { lowest.store(top + i, n); });
  for (int64_t c = 0; c < classes; ++c) {
    for_each_vector<T>(0, count, [&](int64_t i, int n) {
      max(Vec<T>::load(x + c * stride + i, n), Vec<T>::load(top + i, n)).store(top + i, n);
    });
  }
}

// sum[i]: the sum over the classes of term(c, i, n), the vector that starts at position i.
template <class T, class Term>
STRIATE_INLINE void block_sum(int64_t classes, int64_t count, T* sum, const Term& term) {
  T partial[kPositionsPerBlock];
  const Vec<T> zero = Vec<T>::zero();
  for_each_vector<T>(0, count, [&](int64_t i, int n) {
    zero.store(sum + i, n);
    zero.store(partial + i, n);
  });
  for (int64_t c = 0; c < classes; ++c) {
    const bool last = (c + 1) % kClassesPerSum == 0 || c + 1 == classes;
    for_each_vector<T>(0, count, [&](int64_t i, int n) {
      const Vec<T> some = Vec<T>::load(partial + i, n) + term(c, i, n);
      (last ? zero : some).store(partial + i, n);
      if (last) (Vec<T>::load(sum + i, n) + some).store(sum + i, n);
    });
  }
}

// Stores exp(x - top) to e, and returns the sum.
template <class T>
STRIATE_INLINE double row_exp(const T* x, int64_t classes, T top, T* e) {
  const Vec<T> top_vector = Vec<T>::set(top);
  return row_sum<T>(classes, [&](int64_t c, int n) {
    const Vec<T> value = formula::exp(Vec<T>::load(x + c, n) - top_vector);
    value.store(e + c, n);
    return value;
  });
}

template <class T>
STRIATE_INLINE void block_exp(const T* x, int64_t classes, int64_t stride, int64_t count,
                              const T* top, T* e, T* sum) {
  block_sum(classes, count, sum, [&](int64_t c, int64_t i, int n) {
    const Vec<T> value =
        formula::exp(Vec<T>::load(x + c * stride + i, n) - Vec<T>::load(top + i, n));
    value.store(e + c * stride + i, n);
    return value;
  });
}

// How many positions a block has: a multiple of every vector's lanes.
STRIATE_INLINE int64_t positions_per_block(int64_t classes) {
  const int64_t fit = kElementsPerBlock / (classes > 0 ? classes : 1) / 16 * 16;
  return fit < 16 ? 16 : fit > kPositionsPerBlock ? kPositionsPerBlock : fit;
}

}  // namespace
}  // namespace striate::cpu
