// Sums of dy for each channel. Short blocks are added up in vectors, and the blocks in double, in the
// order in which they lie: the error stays near one rounding whatever the batch.
#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

inline constexpr int64_t kBlock = 1024;       // elements of a channel added up in one dtype
inline constexpr int64_t kRows = 64;          // the same, where channels are the lanes
inline constexpr int kLaneVectors = 4;        // independent sums, to hide the latency of an addition

template <class T>
STRIATE_INLINE Vec<T> load_masked(const T* dy, const T* y, int n) {
  const Vec<T> v = Vec<T>::load(dy, n);
  return y == nullptr ? v : formula::relu_grad(v, Vec<T>::load(y, n));
}

// Channels as planes: the sum of one contiguous block.
template <class T>
T block_sum(const T* dy, const T* y, int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[kLaneVectors];
  for (Vec<T>& s : sum) s = Vec<T>::zero();
  int64_t i = 0;
  for (; i + kLaneVectors * lanes <= count; i += kLaneVectors * lanes)
#pragma GCC unroll 4
    for (int v = 0; v < kLaneVectors; ++v) {
      const int64_t at = i + v * lanes;
      sum[v] = sum[v] + load_masked(dy + at, y == nullptr ? nullptr : y + at, lanes);
    }
  for (; i < count; i += lanes) {
    const int n = count - i < lanes ? static_cast<int>(count - i) : lanes;
    sum[0] = sum[0] + load_masked(dy + i, y == nullptr ? nullptr : y + i, n);
  }
  return reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class T>
void sum_planes(const BiasGradProblem& p, const T* dy, const T* y, T* db, const Context& context) {
  const int64_t elements = p.outer * p.inner;
  const int64_t together = elements >= kElementsPerChunk ? 1 : kElementsPerChunk / (elements + 1) + 1;
  parallel_for(context, ceil_div(p.channels, together), 0, [&](int64_t chunk, void*) {
    for (int64_t c = chunk * together; c < (chunk + 1) * together && c < p.channels; ++c) {
      double total = 0;
      for (int64_t o = 0; o < p.outer; ++o) {
        const int64_t plane = (o * p.channels + c) * p.inner;
        for (int64_t i = 0; i < p.inner; i += kBlock) {
          const int64_t count = p.inner - i < kBlock ? p.inner - i : kBlock;
          total += block_sum(dy + plane + i, y == nullptr ? nullptr : y + plane + i, count);
        }
      }
      db[c] = static_cast<T>(total);
    }
  });
}

// Channels as the last axis: they are the lanes.
template <class T>
void sum_rows(const BiasGradProblem& p, const T* dy, const T* y, T* db, const Context& context) {
  constexpr int width = kLaneVectors * Vec<T>::lanes;
  parallel_for(context, ceil_div(p.channels, width), 0, [&](int64_t chunk, void*) {
    const int64_t first = chunk * width;
    const int live = p.channels - first < width ? static_cast<int>(p.channels - first) : width;
    double total[width] = {};
    for (int64_t o = 0; o < p.outer; o += kRows) {
      Vec<T> sum[kLaneVectors];
      for (Vec<T>& s : sum) s = Vec<T>::zero();
      for (int64_t r = o; r < o + kRows && r < p.outer; ++r) {
        const int64_t row = r * p.channels + first;
        for (int v = 0; v * Vec<T>::lanes < live; ++v) {
          const int at = v * Vec<T>::lanes;
          const int n = live - at < Vec<T>::lanes ? live - at : Vec<T>::lanes;
          sum[v] = sum[v] + load_masked(dy + row + at, y == nullptr ? nullptr : y + row + at, n);
        }
      }
      T sums[width];
      for (int v = 0; v < kLaneVectors; ++v) sum[v].store(sums + v * Vec<T>::lanes);
      for (int i = 0; i < live; ++i) total[i] += sums[i];
    }
    for (int i = 0; i < live; ++i) db[first + i] = static_cast<T>(total[i]);
  });
}

template <class T>
void bias_grad(const BiasGradProblem& p, const T* dy, const T* y, T* db, const Context& context) {
  if (p.inner == 1)
    sum_rows(p, dy, y, db, context);
  else
    sum_planes(p, dy, y, db, context);
}

}  // namespace

const ReduceKernels<float> reduce_f32 = {bias_grad<float>};
const ReduceKernels<double> reduce_f64 = {bias_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
