// Batch normalisation of channels that are planes; batch_norm_rows.h has the case of one position a
// channel. A channel is read in blocks that stay in the first-level cache: a block's mean first,
// then its squares around that, all as distances from values nearby, so that a large mean costs no
// digits (moments.h). Blocks are merged in double, in their order.
#include "core/formula/batch_norm.h"

#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/norm/batch_norm_rows.h"
#include "cpu/norm/moments.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

using formula::BatchNormGradFactors;
using formula::BatchNormSums;
using formula::Moments;
using formula::NormalizeFactors;

constexpr int64_t kEnoughChannels = 32;  // to be shared out whole

// The blocks of a channel: a piece of one plane, or the planes of several samples.
struct Blocks {
  int64_t length, samples, pieces, count;

  Blocks(const BatchNormProblem& p, int64_t elements)
      : length(elements),
        samples(p.positions >= length ? 1 : length / p.positions),
        pieces(ceil_div(p.positions, length)),
        count(ceil_div(p.batch, samples) * pieces) {}
};

// The runs of one of a channel's blocks.
Runs runs_of(const BatchNormProblem& p, const Blocks& blocks, int64_t channel, int64_t block) {
  const int64_t sample = block / blocks.pieces * blocks.samples;
  const int64_t begin = block % blocks.pieces * blocks.length;
  const int64_t step = p.channels * p.positions;
  return {sample * step + channel * p.positions + begin,
          p.batch - sample < blocks.samples ? p.batch - sample : blocks.samples, step,
          p.positions - begin < blocks.length ? p.positions - begin : blocks.length};
}

template <class T>
BatchNormSums block_sums(const Runs& runs, const T* dy, const T* x, T mean) {
  const Distance<T> from_mean(mean);
  Sums<T> sum_dy, sum_dy_x, sum_x;
  for_each_vector_of<T>(runs, [&](int64_t i, int n, int s) {
    const Vec<T> g = Vec<T>::load(dy + i, n), d = from_mean(x + i, n);
    sum_dy.part[s] = sum_dy.part[s] + g;
    sum_dy_x.part[s] = fma(g, d, sum_dy_x.part[s]);
    sum_x.part[s] = sum_x.part[s] + d;
  });
  return {sum_dy.total(), sum_dy_x.total(), sum_x.total()};
}

// For each channel: sum(channel, block) merged over its blocks, factors = finish(channel, merged),
// then apply(channel, factors, block) for every block. Where channels are few, each is cut into
// parts, merged in their order.
template <class T, class Merged, class Factors, class Sum, class Finish, class Apply>
STRIATE_INLINE void reduce_then_apply(const BatchNormProblem& p, const Context& context,
                                      const Sum& sum, const Finish& finish, const Apply& apply) {
  const Blocks blocks(p, kBlock<T>);
  const auto merged = [&](int64_t channel, int64_t begin, int64_t end) {
    Merged all = sum(channel, runs_of(p, blocks, channel, begin));
    for (int64_t b = begin + 1; b < end; ++b)
      all.merge(sum(channel, runs_of(p, blocks, channel, b)));
    return all;
  };
  const auto apply_to = [&](int64_t channel, const Factors& factors, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) apply(factors, runs_of(p, blocks, channel, b));
  };
  const int64_t wanted = ceil_div(kEnoughChannels, p.channels);
  const int64_t possible = p.per_channel() / kElementsPerChunk;
  const int64_t parts = wanted < possible ? wanted : possible;
  if (parts <= 1) {
    const int64_t together = ceil_div(kElementsPerChunk, p.per_channel());
    parallel_for(context, ceil_div(p.channels, together), 0, [&](int64_t chunk, void*) {
      for (int64_t c = chunk * together; c < (chunk + 1) * together && c < p.channels; ++c)
        apply_to(c, finish(c, merged(c, 0, blocks.count)), 0, blocks.count);
    });
    return;
  }
  const int64_t per_part = ceil_div(blocks.count, parts), used = ceil_div(blocks.count, per_part);
  Merged* const partial =
      static_cast<Merged*>(context.allocate(p.channels * used * sizeof(Merged)));
  Factors* const factors = static_cast<Factors*>(context.allocate(p.channels * sizeof(Factors)));
  const auto part_end = [&](int64_t part) {
    const int64_t end = (part + 1) * per_part;
    return end < blocks.count ? end : blocks.count;
  };
  parallel_for(context, p.channels * used, 0, [&](int64_t i, void*) {
    partial[i] = merged(i / used, i % used * per_part, part_end(i % used));
  });
  for (int64_t c = 0; c < p.channels; ++c) {
    for (int64_t part = 1; part < used; ++part) partial[c * used].merge(partial[c * used + part]);
    factors[c] = finish(c, partial[c * used]);
  }
  parallel_for(context, p.channels * used, 0, [&](int64_t i, void*) {
    apply_to(i / used, factors[i / used], i % used * per_part, part_end(i % used));
  });
  context.deallocate(factors);
  context.deallocate(partial);
}

template <class T>
void train(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta, T* y, T* mean,
           T* var, const Context& context) {
  if (p.per_channel() == 0) {
    for (int64_t c = 0; c < p.channels; ++c) mean[c] = var[c] = static_cast<T>(__builtin_nan(""));
    return;
  }
  const auto finish = [=](int64_t c, const Moments& moments) {
    const double variance = moments.squares / moments.count;
    mean[c] = static_cast<T>(moments.mean);
    var[c] = static_cast<T>(variance);
    return NormalizeFactors<T>::of(moments.mean, variance, p.eps, value_or(gamma, c, T(1)),
                                   value_or(beta, c, T(0)));
  };
  if (p.positions == 1) return train_rows(p, x, y, context, finish);
  reduce_then_apply<T, Moments, NormalizeFactors<T>>(
      p, context, [=](int64_t, const Runs& runs) { return block_moments(runs, x); }, finish,
      [=](const NormalizeFactors<T>& f, const Runs& runs) {
        const Vec<T> centre = Vec<T>::set(f.centre), scale = Vec<T>::set(f.scale),
                     shift = Vec<T>::set(f.shift);
        for_each_vector_of<T>(runs, [&](int64_t i, int n, int) {
          formula::normalize(Vec<T>::load(x + i, n), centre, scale, shift).store(y + i, n);
        });
      });
}

template <class T>
void grad(const BatchNormProblem& p, const T* dy, const T* x, const T* gamma, const T* mean,
          const T* var, bool frozen, T* dx, T* dgamma, T* dbeta, const Context& context) {
  if (p.per_channel() == 0) {
    for (int64_t c = 0; c < p.channels; ++c) dgamma[c] = dbeta[c] = 0;
    return;
  }
  const auto finish = [=](int64_t c, const BatchNormSums& sums) {
    const auto factors =
        BatchNormGradFactors<T>::of(sums, static_cast<double>(p.per_channel()), mean[c], var[c],
                                    p.eps, value_or(gamma, c, T(1)), frozen);
    dgamma[c] = factors.dgamma;
    dbeta[c] = factors.dbeta;
    return factors;
  };
  if (p.positions == 1) return grad_rows(p, dy, x, mean, frozen, dx, context, finish);
  reduce_then_apply<T, BatchNormSums, BatchNormGradFactors<T>>(
      p, context, [=](int64_t c, const Runs& runs) { return block_sums(runs, dy, x, mean[c]); },
      finish,
      [=](const BatchNormGradFactors<T>& f, const Runs& runs) {
        const Vec<T> centre = Vec<T>::set(f.centre), a = Vec<T>::set(f.a), b = Vec<T>::set(f.b),
                     c = Vec<T>::set(f.c);
        if (frozen)
          for_each_vector_of<T>(
              runs, [&](int64_t i, int n, int) { (a * Vec<T>::load(dy + i, n)).store(dx + i, n); });
        else
          for_each_vector_of<T>(runs, [&](int64_t i, int n, int) {
            formula::batch_norm_grad(Vec<T>::load(dy + i, n), Vec<T>::load(x + i, n), centre, a, b,
                                     c)
                .store(dx + i, n);
          });
      });
}

template <bool kRelu, class T>
void infer(const BatchNormProblem& p, const T* x, const NormalizeFactors<T>* factors, T* y,
           const Context& context) {
  const int64_t pieces = ceil_div(p.positions, kElementsPerChunk);
  const int64_t count = p.batch * p.channels * pieces;
  const int64_t per_chunk = ceil_div(kElementsPerChunk, p.positions);
  parallel_for(context, ceil_div(count, per_chunk), 0, [&](int64_t chunk, void*) {
    const int64_t first = chunk * per_chunk;
    int64_t plane = first / pieces, piece = first % pieces, channel = plane % p.channels;
    for (int64_t i = first; i < first + per_chunk && i < count; ++i) {
      const NormalizeFactors<T>& f = factors[channel];
      const Vec<T> centre = Vec<T>::set(f.centre), scale = Vec<T>::set(f.scale),
                   shift = Vec<T>::set(f.shift);
      const int64_t begin = piece * kElementsPerChunk, end = begin + kElementsPerChunk;
      const int64_t from = plane * p.positions;
      for_each_vector<T>(begin, end < p.positions ? end : p.positions, [&](int64_t at, int n) {
        const Vec<T> v = formula::normalize(Vec<T>::load(x + from + at, n), centre, scale, shift);
        (kRelu ? formula::relu(v) : v).store(y + from + at, n);
      });
      if (++piece < pieces) continue;
      piece = 0;
      ++plane;
      if (++channel == p.channels) channel = 0;
    }
  });
}

template <class T>
void inference(const BatchNormProblem& p, const T* x, const T* mean, const T* var, const T* gamma,
               const T* beta, bool relu, T* y, const Context& context) {
  if (p.per_channel() == 0) return;
  const auto factors_of = [=](int64_t c) {
    return NormalizeFactors<T>::of(mean[c], var[c], p.eps, value_or(gamma, c, T(1)),
                                   value_or(beta, c, T(0)));
  };
  if (p.positions == 1) {
    relu ? infer_rows<true>(p, x, factors_of, y, context)
         : infer_rows<false>(p, x, factors_of, y, context);
    return;
  }
  const Workspace<NormalizeFactors<T>> factors(context, p.channels);
  for (int64_t c = 0; c < p.channels; ++c) factors.data()[c] = factors_of(c);
  relu ? infer<true>(p, x, factors.data(), y, context)
       : infer<false>(p, x, factors.data(), y, context);
}

}  // namespace

const BatchNormKernels<float> batch_norm_f32 = {inference<float>, train<float>, grad<float>};
const BatchNormKernels<double> batch_norm_f64 = {inference<double>, train<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
