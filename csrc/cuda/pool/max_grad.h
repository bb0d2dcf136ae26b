// dx[index] += dy, plane by plane, without atomics on floats and always in the order of the
// outputs.
//
// A thread block owns a segment of a plane of dx in shared memory. It looks at the outputs that may
// point there, a chunk of them being known by the least and the greatest index in it. Where several
// outputs have one index, they take turns: in each round the lowest output that is left adds its
// dy. Real windows need few rounds; what is left after kRounds, one thread adds in order.
#pragma once

#include "core/spec/pool.h"
#include "cuda/index.h"
#include "cuda/reduce.h"
#include "cuda/report.h"

namespace striate::cuda {
namespace {

constexpr int64_t kSegment = 1024;      // elements of dx
constexpr int64_t kChunkOutputs = 128;  // by which outputs are skipped
constexpr int kRounds = 64;

struct IndexBounds {
  int64_t least, greatest;
};

struct MergeBounds {
  STRIATE_DEVICE IndexBounds operator()(const IndexBounds& a, const IndexBounds& b) const {
    return {a.least < b.least ? a.least : b.least,
            a.greatest > b.greatest ? a.greatest : b.greatest};
  }
};

// A warp for each chunk of a plane's outputs.
template <class Index>
__global__ void bounds_kernel(const __grid_constant__ PoolGradProblem p, int64_t chunks,
                              const Index* __restrict__ indices, IndexBounds* __restrict__ bounds,
                              ValueFlag* flag, const char* function) {
  const unsigned lane = threadIdx.x % 32;
  for (int64_t i = thread_index() / 32; i < p.planes * chunks; i += thread_count() / 32) {
    const int64_t plane = i / chunks, first = (i - plane * chunks) * kChunkOutputs;
    const int64_t end = least(first + kChunkOutputs, p.out_size);
    IndexBounds own{INT64_MAX, -1};
    for (int64_t o = first + lane; o < end; o += 32) {
      const int64_t place = plane * p.out_size + o;
      const auto index = static_cast<int64_t>(indices[place]);
      if (index >= 0 && index < p.in_size)
        own = MergeBounds{}(own, {index, index});
      else if (index != -1)
        report(flag, ValueRule::pool_index, function, place, index, p.in_size);
    }
    own = warp_reduce(own, MergeBounds{});
    if (lane == 0) bounds[i] = own;
  }
}

// visit(output, place in the segment) for this thread's share of the plane's outputs that point
// into the segment; outputs are shared out by `stride`.
template <class Index, class Visit>
__device__ __forceinline__ void for_each_hit(const PoolGradProblem& p, int64_t chunks,
                                             const Index* indices, const IndexBounds* bounds,
                                             int64_t begin, int64_t end, int64_t first,
                                             int64_t stride, const Visit& visit) {
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    if (bounds[chunk].least >= end || bounds[chunk].greatest < begin) continue;
    const int64_t last = least((chunk + 1) * kChunkOutputs, p.out_size);
    for (int64_t o = chunk * kChunkOutputs + first; o < last; o += stride) {
      const auto index = static_cast<int64_t>(indices[o]);
      if (index >= begin && index < end) visit(o, index - begin);
    }
  }
}

// Counter is int where it can count a plane's outputs: shared memory has atomics for it.
template <class T, class Index, class Counter>
__global__ void spread_kernel(const __grid_constant__ PoolGradProblem p, int64_t segments,
                              int64_t chunks, const T* __restrict__ dy,
                              const Index* __restrict__ indices,
                              const IndexBounds* __restrict__ bounds, T* __restrict__ dx) {
  __shared__ T sum[kSegment];
  __shared__ Counter next[kSegment], done[kSegment];  // outputs
  constexpr Counter kNone = static_cast<Counter>(~0ull >> (65 - 8 * sizeof(Counter)));
  for (int64_t job = blockIdx.x; job < p.planes * segments; job += gridDim.x) {
    const int64_t plane = job / segments, begin = (job - plane * segments) * kSegment;
    const int64_t end = least(begin + kSegment, p.in_size);
    const T* const own_dy = dy + plane * p.out_size;
    const Index* const own_indices = indices + plane * p.out_size;
    const IndexBounds* const own_bounds = bounds + plane * chunks;
    const auto each = [&](int64_t first, int64_t stride, const auto& visit) {
      for_each_hit(p, chunks, own_indices, own_bounds, begin, end, first, stride, visit);
    };
    for (int64_t i = threadIdx.x; i < end - begin; i += blockDim.x) {
      sum[i] = 0;
      next[i] = kNone;
      done[i] = -1;
    }
    __syncthreads();
    int left = 1;
    for (int round = 0; round < kRounds && left != 0; ++round) {
      int found = 0;
      each(threadIdx.x, blockDim.x, [&](int64_t o, int64_t place) {
        if (o <= done[place]) return;
        found = 1;
        atomicMin(&next[place], static_cast<Counter>(o));
      });
      left = __syncthreads_or(found);
      if (left == 0) break;
      // Each element's turn belongs to one thread.
      for (int64_t i = threadIdx.x; i < end - begin; i += blockDim.x) {
        if (next[i] == kNone) continue;
        sum[i] += own_dy[next[i]];
        done[i] = next[i];
        next[i] = kNone;
      }
      __syncthreads();
    }
    if (left != 0 && threadIdx.x == 0)
      each(0, 1, [&](int64_t o, int64_t place) {
        if (o > done[place]) sum[place] += own_dy[o];
      });
    __syncthreads();
    T* const to = dx + plane * p.in_size + begin;
    for (int64_t i = threadIdx.x; i < end - begin; i += blockDim.x) to[i] = sum[i];
    __syncthreads();
  }
}

template <class T, class Index>
void spread_maxima(const char* function, const PoolGradProblem& p, const T* dy,
                   const Index* indices, T* dx, const Context& context) {
  const int64_t chunks = ceil_div(p.out_size, kChunkOutputs);
  const int64_t segments = ceil_div(p.in_size, kSegment);
  const Scratch<IndexBounds> bounds(context, p.planes * chunks);
  launch(function, bounds_kernel<Index>, blocks_for(p.planes * chunks * 32), kThreads, 0, context,
         p, chunks, indices, bounds.data(), value_flag(), function);
  const bool narrow = p.out_size <= INT32_MAX;
  launch(function, narrow ? spread_kernel<T, Index, int> : spread_kernel<T, Index, long long>,
         p.planes * segments, 128, 0, context, p, segments, chunks, dy, indices, bounds.data(), dx);
}

}  // namespace
}  // namespace striate::cuda
