// Reductions over each channel of (outer, channels, inner), in two levels: each thread block
// reduces a portion of one channel, and a warp then merges a channel's portions in their order. The
// problem alone fixes the portions, so that the bits do not depend on the device.
#pragma once

#include "cuda/index.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

constexpr int kRowsTogether = 8;  // where channels lie side by side, a warp being 32 of them

// Where an element lies.
struct Place {
  int64_t offset, outer, inner;
};

// The elements of a portion that one thread takes: numbers first, first + stride, ... below length.
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
      pieces = ceil_div(inner, portion);
      length = ceil_div(inner, pieces);
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

// R::Value is what is reduced: r(share, channel) gives a thread's, and R::merge(a, b) two together.
template <class R>
struct MergeOf {
  using Value = typename R::Value;
  STRIATE_DEVICE Value operator()(const Value& a, const Value& b) const { return R::merge(a, b); }
};

template <class R>
__global__ void channel_planes_kernel(const __grid_constant__ ChannelCut cut,
                                      const __grid_constant__ R r,
                                      typename R::Value* __restrict__ part) {
  for (int64_t job = blockIdx.x; job < cut.channels * cut.portions; job += gridDim.x) {
    const int64_t portion = job / cut.channels, channel = job - portion * cut.channels;
    const auto own = r(cut.share(channel, portion, threadIdx.x, blockDim.x), channel);
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
    if (live) others[warp][lane] = r(cut.share(channel, portion, warp, kRowsTogether), channel);
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
    launch(what, channel_planes_kernel<R>, channels * cut.portions, kThreads, 0, context, cut, r,
           part.data());
  launch(what, finish_channels_kernel<R, Finish>, blocks_for(channels * 32), kThreads, 0, context,
         channels, cut.portions, part.data(), finish);
}

// The sum of term(offset, channel).
template <class T, class Term>
struct ChannelSum {
  using Value = double;
  Term term;
  __device__ Value operator()(const Share& share, int64_t channel) const {
    LongSum<T> sum;
    for (int64_t i = share.first; i < share.length; i += share.stride)
      sum.add(term(share.at(i), channel));
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
  for (int64_t i = thread_index() * size; i < count; i += thread_count() * size) {
    const int64_t left = count - i;
    const bool whole = aligned && left >= size;
    Pack<T> pack = load_pack(x + i, left, whole), second{};
    if (other != nullptr) second = load_pack(other + i, left, whole);
    int64_t channel = channel_of(i);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) {
      if (k > 0 && !one_channel && k < left) channel = channel_of(i + k);
      pack.at[k] = f(channel, Lane<T>{pack.at[k]}, Lane<T>{second.at[k]}).value;
    }
    store_pack(y + i, pack, left, whole);
  }
}

template <class T, class F>
void channel_map(const char* what, int64_t outer, int64_t channels, int64_t inner, const F& f,
                 const T* x, const T* other, T* y, const Context& context) {
  const int64_t count = outer * channels * inner;
  launch(what, channel_map_kernel<T, F>, blocks_for(ceil_div(count, Pack<T>::size)), kThreads, 0,
         context, count, ChannelOf(outer, channels, inner), f, x, other, y);
}

}  // namespace
}  // namespace striate::cuda
