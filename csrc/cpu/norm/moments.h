// Means and variances of blocks that stay in the first-level cache: a block's mean first, then its
// squares around that, all as distances from values nearby, so that a large mean costs no digits.
#pragma once

#include "core/formula/batch_norm.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

constexpr int kSums = 4;  // independent sums hide an addition's latency
// Elements of a block: each lane adds up 32, whose error then is that of 32 additions at most.
template <class T>
constexpr int64_t kBlock = 32 * kSums * Vec<T>::lanes;

// A block's equal runs of elements, `step` apart; `first` is the offset of the first one.
struct Runs {
  int64_t first, count, step, length;

  double elements() const { return static_cast<double>(count * length); }
};

// body(offset, lanes, sum) for each vector of the runs, `sum` counting through [0, kSums).
template <class T, class Body>
STRIATE_INLINE void for_each_vector_of(const Runs& runs, const Body& body) {
  constexpr int lanes = Vec<T>::lanes;
  for (int64_t r = 0; r < runs.count; ++r) {
    int64_t i = runs.first + r * runs.step;
    const int64_t end = i + runs.length;
    for (; i + kSums * lanes <= end; i += kSums * lanes)
#pragma GCC unroll 4
      for (int s = 0; s < kSums; ++s) body(i + s * lanes, lanes, s);
#pragma GCC unroll 4
    for (int s = 0; s < kSums; ++s, i += lanes)
      if (i < end) body(i, end - i < lanes ? static_cast<int>(end - i) : lanes, s);
  }
}

template <class T>
struct Sums {
  Vec<T> part[kSums];

  STRIATE_INLINE Sums() {
    for (Vec<T>& v : part) v = Vec<T>::zero();
  }
  STRIATE_INLINE T total() const { return reduce_add((part[0] + part[1]) + (part[2] + part[3])); }
};

// Distances from one value, 0 in the lanes beyond n.
template <class T>
class Distance {
 public:
  explicit STRIATE_INLINE Distance(T centre) : centre_(Vec<T>::set(centre)) {
    centre_.store(copies_);
  }
  STRIATE_INLINE Vec<T> operator()(const T* x, int n) const {
    if (n == Vec<T>::lanes) return Vec<T>::load(x) - centre_;
    return Vec<T>::load(x, n) - Vec<T>::load(copies_, n);
  }

 private:
  Vec<T> centre_;
  T copies_[Vec<T>::lanes];
};

template <class T>
STRIATE_INLINE formula::Moments block_moments(const Runs& runs, const T* x) {
  const double count = runs.elements();
  const Distance<T> from_first(x[runs.first]);
  Sums<T> rough;
  for_each_vector_of<T>(
      runs, [&](int64_t i, int n, int s) { rough.part[s] = rough.part[s] + from_first(x + i, n); });
  const T centre = x[runs.first] + rough.total() / static_cast<T>(count);
  const Distance<T> from_centre(centre);
  Sums<T> sum, squares;
  for_each_vector_of<T>(runs, [&](int64_t i, int n, int s) {
    const Vec<T> d = from_centre(x + i, n);
    sum.part[s] = sum.part[s] + d;
    squares.part[s] = fma(d, d, squares.part[s]);
  });
  return formula::Moments::around(centre, count, sum.total(), squares.total());
}

// Of elements that lie side by side, their blocks merged in double.
template <class T>
STRIATE_INLINE formula::Moments row_moments(const T* x, int64_t count) {
  const auto block = [=](int64_t begin) {
    return Runs{begin, 1, 0, count - begin < kBlock<T> ? count - begin : kBlock<T>};
  };
  formula::Moments all = block_moments(block(0), x);
  for (int64_t begin = kBlock<T>; begin < count; begin += kBlock<T>)
    all.merge(block_moments(block(begin), x));
  return all;
}

}  // namespace
}  // namespace striate::cpu
