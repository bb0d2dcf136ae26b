// Reductions over each channel of (outer, channels, inner), in two levels: each thread block
// reduces a portion of one channel, and a warp then merges a channel's portions in their order. The
// problem alone fixes the portions, and whether a thread takes elements one by one or in runs of a
// pack, so that the bits depend neither on the device nor on how arrays are aligned.
#pragma once

#include "cuda/index.h"
#include "cuda/map.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

constexpr int kRowsTogether = 8;  // where channels lie side by side, a warp being 32 of them

// Where an element lies.
struct Place {
  int64_t offset, outer, inner;
};

// The runs of elements of a portion that one thread takes: those that begin at numbers first,
// first + stride, ... below length.
struct Share {
  int64_t outer, inner, offset;  // of the portion's first element
  int64_t first, stride, length;
  int64_t step;  // from one plane of the channel to the next
  Divisor plane;

  STRIATE_DEVICE Place at(int64_t i) const {
    const Division d = divide(i, plane);
    return {offset + d.quotient * step + d.remainder, outer + d.quotient, inner + d.remainder};
  }
};

// How a channel's elements are cut.
struct ChannelCut {
  int64_t outer, channels, inner;
  int64_t planes;  // of a portion, or
  int64_t length;  // elements of one plane, where a portion is less than one
  int64_t pieces;  // of a plane
  int64_t portions;
  Divisor plane;

  ChannelCut(int64_t outer_size, int64_t channel_count, int64_t inner_size)
      : outer(outer_size), channels(channel_count), inner(inner_size) {
    constexpr int64_t kLeast = 4096, kMost = int64_t{1} << 30, kBlocks = 4096;
    const int64_t count = outer * inner;
    // Enough of them to fill a device, but no small ones.
    const int64_t per_block = inner == 1 ? 32 : 1;  // channels
    const int64_t wanted = ceil_div(kBlocks * per_block, channels > 0 ? channels : 1);
    const int64_t least_length = inner == 1 ? kLeast / 32 : kLeast;
    int64_t portion = ceil_div(count, wanted > 0 ? wanted : 1);
    portion = portion < least_length ? least_length : least(portion, kMost);
    planes = inner > 0 ? portion / inner : 1;
    length = inner;
    pieces = 1;
    if (planes == 0) {
      constexpr int64_t kRun = 4;  // no piece begins within a pack of a plane of whole ones
      length = ceil_div(ceil_div(inner, ceil_div(inner, portion)), kRun) * kRun;
      pieces = ceil_div(inner, length);
      planes = 1;
    }
    portions = count == 0 ? 0 : ceil_div(outer, planes) * pieces;
    plane = Divisor(inner, INT32_MAX);
  }
  STRIATE_DEVICE Share share(int64_t channel, int64_t portion, int64_t first,
                             int64_t stride) const {
    Share s;
    const int64_t piece = pieces == 1 ? 0 : portion % pieces;
    s.outer = (pieces == 1 ? portion : portion / pieces) * planes;
    s.inner = piece * length;
    s.offset = (s.outer * channels + channel) * inner + s.inner;
    s.first = first;
    s.stride = stride;
    s.length =
        pieces == 1 ? least(planes, outer - s.outer) * inner : least(length, inner - s.inner);
    s.step = channels * inner;
    s.plane = plane;
    return s;
  }
};

// A run, however its array is aligned.
template <int kRun, class T>
STRIATE_DEVICE void load_run(const T* p, T (&run)[kRun]) {
  load_run(p, is_aligned(p), run);
}

// R::Value is what is reduced: r.reduce<kRun>(share, channel) gives a thread's, which takes runs of
// kRun elements (1 or R::kRun), and R::merge(a, b) two together.
template <class R>
struct MergeOf {
  using Value = typename R::Value;
  STRIATE_DEVICE Value operator()(const Value& a, const Value& b) const { return R::merge(a, b); }
};

template <class R, int kRun>
__global__ void channel_planes_kernel(const __grid_constant__ ChannelCut cut,
                                      const __grid_constant__ R r,
                                      typename R::Value* __restrict__ part) {
  for (int64_t job = blockIdx.x; job < cut.channels * cut.portions; job += gridDim.x) {
    const int64_t portion = job / cut.channels, channel = job - portion * cut.channels;
    const Share share =
        cut.share(channel, portion, int64_t{kRun} * threadIdx.x, int64_t{kRun} * blockDim.x);
    const auto own = r.template reduce<kRun>(share, channel);
    const auto all = block_reduce(own, MergeOf<R>{});
    if (threadIdx.x == 0) part[job] = all;
  }
}

// Channels lie side by side: a warp's lanes are channels, and its portion's rows are shared out to
// the block's warps.
template <class R>
__global__ void channel_rows_kernel(const __grid_constant__ ChannelCut cut,
                                    const __grid_constant__ R r,
                                    typename R::Value* __restrict__ part) {
  __shared__ typename R::Value others[kRowsTogether][32];
  const int64_t tiles = ceil_div(cut.channels, 32);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int64_t job = blockIdx.x; job < tiles * cut.portions; job += gridDim.x) {
    const int64_t portion = job / tiles, channel = (job - portion * tiles) * 32 + lane;
    const bool live = channel < cut.channels;
    if (live)
      others[warp][lane] =
          r.template reduce<1>(cut.share(channel, portion, warp, kRowsTogether), channel);
    __syncthreads();
    if (live && warp == 0) {
      auto all = others[0][lane];
      for (int i = 1; i < kRowsTogether; ++i) all = R::merge(all, others[i][lane]);
      part[portion * cut.channels + channel] = all;
    }
    __syncthreads();
  }
}

// finish(channel, value), by one thread.
template <class R, class Finish>
__global__ void finish_channels_kernel(int64_t channels, int64_t portions,
                                       const typename R::Value* __restrict__ part,
                                       const __grid_constant__ Finish finish) {
  const int64_t warps = thread_count() / 32;
  const unsigned lane = threadIdx.x % 32;
  for (int64_t channel = thread_index() / 32; channel < channels; channel += warps) {
    typename R::Value own{};
    for (int64_t i = lane; i < portions; i += 32) own = R::merge(own, part[i * channels + channel]);
    own = warp_reduce(own, MergeOf<R>{});
    if (lane == 0) finish(channel, own);
  }
}

template <class R, class Finish>
void reduce_channels(const char* what, int64_t outer, int64_t channels, int64_t inner, const R& r,
                     const Finish& finish, const Context& context) {
  const ChannelCut cut(outer, channels, inner);
  const Scratch<typename R::Value> part(context, cut.portions * channels);
  if (inner == 1)
    launch(what, channel_rows_kernel<R>, ceil_div(channels, 32) * cut.portions, 32 * kRowsTogether,
           0, context, cut, r, part.data());
  else
    launch(what,
           inner % R::kRun == 0 ? channel_planes_kernel<R, R::kRun> : channel_planes_kernel<R, 1>,
           channels * cut.portions, kThreads, 0, context, cut, r, part.data());
  launch(what, finish_channels_kernel<R, Finish>, blocks_for(channels * 32), kThreads, 0, context,
         channels, cut.portions, part.data(), finish);
}

// The sum of the terms that term(offset, run) puts in the place of a run.
template <class T, class Term>
struct ChannelSum {
  using Value = double;
  static constexpr int kRun = Pack<T>::size;
  Term term;
  template <int kTaken>
  __device__ Value reduce(const Share& share, int64_t) const {
    LongSum<T> sum;
    for (int64_t i = share.first; i < share.length; i += 2 * share.stride) {
      T run[kTaken], next[kTaken] = {};  // both are read before either is added
      term(share.at(i).offset, run);
      const bool more = i + share.stride < share.length;
      if (more) term(share.at(i + share.stride).offset, next);
      sum.add(run);
      if (more) sum.add(next);
    }
    return sum.total();
  }
  static STRIATE_DEVICE Value merge(Value a, Value b) { return a + b; }
};

template <class T>
struct StoreSum {
  T* to;
  STRIATE_DEVICE void operator()(int64_t channel, double sum) const {
    to[channel] = static_cast<T>(sum);
  }
};

// y[i] = f(channel, dy[i], x[i]), for arrays of (outer, channels, inner); x may be null.
template <class T, class F>
__global__ void channel_map_kernel(int64_t count, const __grid_constant__ ChannelOf channel_of,
                                   const __grid_constant__ F f, const T* __restrict__ x,
                                   const T* __restrict__ other, T* __restrict__ y) {
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(x) && is_aligned(other) && is_aligned(y);
  const bool one_channel = channel_of.inner() % size == 0;  // in each pack
  const int64_t step = block_elements<T>();
  for (int64_t first = blockIdx.x * step; first < count; first += gridDim.x * step) {
    Pack<T> packs[kPacks], others[kPacks] = {};
    load_packs(x, first, count, aligned, packs);
    if (other != nullptr) load_packs(other, first, count, aligned, others);
    STRIATE_UNROLL
    for (int k = 0; k < kPacks; ++k) {
      const int64_t i = first + pack_offset<T>(k);
      if (i >= count) continue;  // there is no channel
      int64_t channel = channel_of(i);
      STRIATE_UNROLL
      for (int j = 0; j < size; ++j) {
        if (j > 0 && !one_channel && i + j < count) channel = channel_of(i + j);
        packs[k].at[j] = f(channel, Lane<T>{packs[k].at[j]}, Lane<T>{others[k].at[j]}).value;
      }
    }
    store_packs(y, first, count, aligned, packs);
  }
}

template <class T, class F>
void channel_map(const char* what, int64_t outer, int64_t channels, int64_t inner, const F& f,
                 const T* x, const T* other, T* y, const Context& context) {
  const int64_t count = outer * channels * inner;
  launch(what, channel_map_kernel<T, F>, blocks_of_packs<T>(count), kThreads, 0, context, count,
         ChannelOf(outer, channels, inner), f, x, other, y);
}

}  // namespace
}  // namespace striate::cuda
