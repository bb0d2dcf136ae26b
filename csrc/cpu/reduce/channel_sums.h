// Sums over each channel of (outer, channels, inner). A chunk adds up one block of each of its
// channels, in vectors and for short stretches only; the blocks' sums are added up in double, in
// the order in which they lie. So the error stays near one rounding whatever the batch.
#pragma once

#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

inline constexpr int64_t kSummedRows = 16;  // added up in T where channels are the lanes
inline constexpr int64_t kPlanes = 16;      // the same for planes of one channel
inline constexpr int64_t kSegment = 8192;   // elements of a plane
inline constexpr int64_t kChannels = 64;    // of a chunk, where they are planes
inline constexpr int kSums = 4;             // independent, to hide the latency of an addition
inline constexpr int kColumnVectors = 8;

// The sum of elements that lie side by side, left in the lanes.
template <class T, class Term>
STRIATE_INLINE Vec<T> run_sum(int64_t begin, int64_t end, const Term& term) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int64_t stretch = 16 * kSums * lanes;
  Vec<T> total = Vec<T>::zero();
  int64_t i = begin;
  while (i + kSums * lanes <= end) {
    const int64_t stop = i + stretch < end ? i + stretch : end;
    Vec<T> sum[kSums] = {};
    for (; i + kSums * lanes <= stop; i += kSums * lanes)
      for (int k = 0; k < kSums; ++k) sum[k] = sum[k] + term(i + k * lanes, lanes);
    total = total + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for_each_vector<T>(i, end, [&](int64_t at, int n) { total = total + term(at, n); });
  return total;
}

// How the planes are cut into blocks, one after the other in memory where channels allow it.
struct Planes {
  int64_t segment;   // elements of a plane
  int64_t channels;  // of a chunk
  int64_t planes;    // of a channel
  int64_t segments, channel_blocks, plane_blocks;

  template <class Problem>
  explicit Planes(const Problem& p) {
    const auto at_most = [](int64_t a, int64_t b) { return a < b ? a : b; };
    segment = at_most(p.inner, kSegment);
    channels = at_most(ceil_div(kElementsPerChunk, segment), at_most(p.channels, kChannels));
    planes = at_most(ceil_div(kElementsPerChunk, segment * channels), at_most(p.outer, kPlanes));
    segments = ceil_div(p.inner, segment);
    channel_blocks = ceil_div(p.channels, channels);
    plane_blocks = ceil_div(p.outer, planes);
  }
};

template <class T, class Problem, class Term>
STRIATE_INLINE void sum_planes(const Problem& p, const Planes& cut, double* partial,
                               const Context& context, const Term& term) {
  parallel_for(context, cut.plane_blocks * cut.segments * cut.channel_blocks, 0,
               [&](int64_t chunk, void*) {
                 const int64_t block = chunk / cut.channel_blocks;
                 const int64_t c_begin = chunk % cut.channel_blocks * cut.channels;
                 const int64_t c_end =
                     c_begin + cut.channels < p.channels ? c_begin + cut.channels : p.channels;
                 const int64_t begin = block % cut.segments * cut.segment;
                 const int64_t end = begin + cut.segment < p.inner ? begin + cut.segment : p.inner;
                 const int64_t first = block / cut.segments * cut.planes;
                 const int64_t last = first + cut.planes < p.outer ? first + cut.planes : p.outer;
                 Vec<T> sum[kChannels];
                 for (int64_t o = first; o < last; ++o) {
                   for (int64_t c = c_begin; c < c_end; ++c) {
                     const int64_t plane = (o * p.channels + c) * p.inner;
                     const Vec<T> s = run_sum<T>(plane + begin, plane + end, term);
                     sum[c - c_begin] = o == first ? s : sum[c - c_begin] + s;
                   }
                 }
                 for (int64_t c = c_begin; c < c_end; ++c)
                   partial[block * p.channels + c] = reduce_add(sum[c - c_begin]);
               });
}

// Channels are the lanes: columns of `vectors` vectors, the last with n lanes.
template <class T, int vectors, class Term>
STRIATE_INLINE void column_sums(int64_t at, int64_t rows, int64_t stride, int n, double* total,
                                const Term& term) {
  constexpr int lanes = Vec<T>::lanes;
  for (int i = 0; i < vectors * lanes; ++i) total[i] = 0;
  for (int64_t begin = 0; begin < rows; begin += kSummedRows) {
    const int64_t end = begin + kSummedRows < rows ? begin + kSummedRows : rows;
    Vec<T> sum[vectors] = {};
    for (int64_t r = begin; r < end; ++r) {
      for (int v = 0; v < vectors - 1; ++v)
        sum[v] = sum[v] + term(at + r * stride + v * lanes, lanes);
      sum[vectors - 1] = sum[vectors - 1] + term(at + r * stride + (vectors - 1) * lanes, n);
    }
    T lane[vectors * lanes];
    for (int v = 0; v < vectors; ++v) sum[v].store(lane + v * lanes);
    for (int i = 0; i < vectors * lanes; ++i) total[i] += lane[i];
  }
}

template <class T, int vectors = kColumnVectors, class Term>
STRIATE_INLINE void column_sums_of(int count, int64_t at, int64_t rows, int64_t stride, int n,
                                   double* total, const Term& term) {
  if (count == vectors) return column_sums<T, vectors>(at, rows, stride, n, total, term);
  if constexpr (vectors > 1)
    column_sums_of<T, vectors - 1>(count, at, rows, stride, n, total, term);
}

template <class T, class Problem, class Term>
STRIATE_INLINE void sum_rows(const Problem& p, int64_t rows, double* partial,
                             const Context& context, const Term& term) {
  constexpr int lanes = Vec<T>::lanes, width = kColumnVectors * lanes;
  const int64_t columns = ceil_div(p.channels, width);
  parallel_for(context, ceil_div(p.outer, rows) * columns, 0, [&](int64_t chunk, void*) {
    const int64_t block = chunk / columns, first = chunk % columns * width;
    const int64_t row = block * rows;
    const int live = p.channels - first < width ? static_cast<int>(p.channels - first) : width;
    const int vectors = (live + lanes - 1) / lanes;
    const int64_t at = row * p.channels + first;
    double total[width];
    column_sums_of<T>(vectors, at, p.outer - row < rows ? p.outer - row : rows, p.channels,
                      live - (vectors - 1) * lanes, total, term);
    for (int i = 0; i < live; ++i) partial[block * p.channels + first + i] = total[i];
  });
}

// sums[c]: the sum of term(i, n), the vector of n elements from i on, over channel c. The term is
// asked for each element once; its lanes beyond n must be 0.
template <class T, class Problem, class Term>
STRIATE_INLINE void channel_sums(const Problem& p, T* sums, const Context& context,
                                 const Term& term) {
  if (p.outer == 0 || p.inner == 0 || p.channels == 0) {
    __builtin_memset(sums, 0, static_cast<size_t>(p.channels) * sizeof(T));
    return;
  }
  const Planes cut(p);
  const int64_t width = p.channels < kChannels ? p.channels : kChannels;
  const int64_t rows = kElementsPerChunk / width;
  const int64_t blocks = p.inner == 1 ? ceil_div(p.outer, rows) : cut.plane_blocks * cut.segments;
  double* partial = static_cast<double*>(
      context.allocate(static_cast<size_t>(blocks * p.channels) * sizeof(double)));
  if (p.inner == 1)
    sum_rows<T>(p, rows, partial, context, term);
  else
    sum_planes<T>(p, cut, partial, context, term);
  for (int64_t b = 1; b < blocks; ++b)
    for (int64_t c = 0; c < p.channels; ++c) partial[c] += partial[b * p.channels + c];
  for (int64_t c = 0; c < p.channels; ++c) sums[c] = static_cast<T>(partial[c]);
  context.deallocate(partial);
}

}  // namespace
}  // namespace striate::cpu
