// Means and variances in one sweep: a thread takes a batch of elements into registers, finds their
// mean and their squares around it, and merges that with its other batches.
#pragma once

#include "core/formula/batch_norm.h"
#include "cuda/reduce.h"
#include "cuda/reduce/channels.h"

namespace striate::cuda {
namespace {

using formula::Moments;

struct MergeMoments {
  STRIATE_DEVICE Moments operator()(Moments a, const Moments& b) const {
    if (b.count == 0) return a;
    if (a.count == 0) return b;
    a.merge(b);
    return a;
  }
};

// Of the `count` values value(0), value(1), ...; further ones, up to kMost, repeat value(0).
template <class T, int kMost, class Value>
STRIATE_DEVICE Moments batch_moments(int count, const Value& value) {
  // Distances from a value nearby, so that a large mean costs no digits; the copies of the first
  // value are at distance 0 here.
  T sum = 0, squares = 0;
  STRIATE_UNROLL
  for (int k = 1; k < kMost; ++k) sum += value(k) - value(0);
  const T centre = value(0) + sum / static_cast<T>(count);
  sum = 0;
  STRIATE_UNROLL
  for (int k = 0; k < kMost; ++k) {
    const T d = k < count ? value(k) - centre : T(0);
    sum += d;
    squares = fma(Lane<T>{d}, Lane<T>{d}, Lane<T>{squares}).value;
  }
  return Moments::around(static_cast<double>(centre), count, static_cast<double>(sum),
                         static_cast<double>(squares));
}

// Of the runs of kRun elements that begin at numbers first, first + stride, ... below length;
// offset(i) says where they lie.
template <int kRun, class T, class Offset>
STRIATE_DEVICE Moments thread_moments(const T* x, int64_t first, int64_t stride, int64_t length,
                                      const Offset& offset) {
  Moments all{0, 0, 0};
  for (int64_t i = first; i < length; i += kBatch<T> / kRun * stride) {
    T value[kBatch<T>] = {};
    int count = 0;
    STRIATE_UNROLL
    for (int k = 0; k < kBatch<T>; k += kRun) {
      const int64_t at = i + k / kRun * stride;
      const bool live = at < length;
      T run[kRun];
      if (live) load_run(x + offset(at), run);
      STRIATE_UNROLL
      for (int j = 0; j < kRun; ++j) value[k + j] = live ? run[j] : value[0];
      count += live ? kRun : 0;
    }
    all = MergeMoments{}(all, batch_moments<T, kBatch<T>>(count, [&](int k) { return value[k]; }));
  }
  return all;
}

// Of channels, for reduce_channels.
template <class T>
struct ChannelMoments {
  using Value = Moments;
  static constexpr int kRun = Pack<T>::size;
  const T* x;
  template <int kTaken>
  __device__ Value reduce(const Share& share, int64_t) const {
    return thread_moments<kTaken>(x, share.first, share.stride, share.length,
                                  [&](int64_t i) { return share.at(i).offset; });
  }
  static STRIATE_DEVICE Value merge(const Value& a, const Value& b) { return MergeMoments{}(a, b); }
};

template <class T>
STRIATE_DEVICE T value_or(const T* array, int64_t i, T otherwise) {
  return array == nullptr ? otherwise : array[i];
}

}  // namespace
}  // namespace striate::cuda
