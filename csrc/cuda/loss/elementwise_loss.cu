// Losses of single elements with their gradients, in one sweep.
#include "core/formula/loss.h"
#include "cuda/index.h"
#include "cuda/kernels.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

using formula::LossAndSlope;

constexpr int64_t kLossesPerBlock = 8192;

// f(pred, target, i) gives an element's loss and slope; part[b] gets the sum of a block's losses.
template <class T, class F>
__global__ void loss_kernel(int64_t count, const __grid_constant__ F f, T scale,
                            const T* __restrict__ pred, const T* __restrict__ target,
                            T* __restrict__ losses, T* __restrict__ slopes,
                            double* __restrict__ part) {
  constexpr int size = Pack<T>::size;
  const bool aligned =
      is_aligned(pred) && is_aligned(target) && is_aligned(losses) && is_aligned(slopes);
  for (int64_t b = blockIdx.x; b < ceil_div(count, kLossesPerBlock); b += gridDim.x) {
    const int64_t end = least((b + 1) * kLossesPerBlock, count);
    LongSum<T> sum;
    STRIATE_UNROLL_BY(2)
    for (int64_t i = b * kLossesPerBlock + threadIdx.x * size; i < end;
         i += static_cast<int64_t>(blockDim.x) * size) {
      const int64_t left = end - i;
      const bool whole = aligned && left >= size;
      const Pack<T> given = load_pack(pred + i, left, whole),
                    wanted = load_pack(target + i, left, whole);
      Pack<T> loss{}, slope{};
      STRIATE_UNROLL
      for (int k = 0; k < size; ++k) {
        if (k >= left) continue;
        const LossAndSlope<Lane<T>> own = f(Lane<T>{given.at[k]}, Lane<T>{wanted.at[k]}, i + k);
        loss.at[k] = own.loss.value;
        slope.at[k] = own.slope.value * scale;
        sum.add(own.loss.value);
      }
      store_pack(slopes + i, slope, left, whole);
      if (losses != nullptr) store_pack(losses + i, loss, left, whole);
    }
    const double total = block_reduce(sum.total(), Plus{});
    if (threadIdx.x == 0) part[b] = total;
  }
}

template <class T, class F>
void reduce_losses(int64_t count, Reduction reduction, const F& f, const T* pred, const T* target,
                   T* losses, T* slopes, T* total, const Context& context) {
  const double divisor = reduction == Reduction::mean ? static_cast<double>(count) : 1.0;
  const int64_t blocks = ceil_div(count, kLossesPerBlock);
  const Scratch<double> part(context, blocks);
  launch("loss", loss_kernel<T, F>, blocks, kThreads, 0, context, count, f,
         static_cast<T>(1 / divisor), pred, target, losses, slopes, part.data());
  finish_sum("loss", blocks, part.data(), divisor, nullptr, total, context);
}

template <class T>
struct Mse {
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(Lane<T> pred, Lane<T> target, int64_t) const {
    return formula::mse(pred, target);
  }
};

template <class T>
struct L1 {
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(Lane<T> pred, Lane<T> target, int64_t) const {
    return formula::l1(pred, target);
  }
};

template <class T>
struct Huber {
  T delta;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(Lane<T> pred, Lane<T> target, int64_t) const {
    return formula::huber(pred, target, Lane<T>{delta});
  }
};

template <class T>
struct BinaryCrossEntropy {
  const T *weight, *pos_weight;  // or null
  ChannelOf class_of;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(Lane<T> logit, Lane<T> target, int64_t i) const {
    const Lane<T> q{pos_weight == nullptr ? T(1) : pos_weight[class_of(i)]};
    const LossAndSlope<Lane<T>> own = formula::binary_cross_entropy(logit, target, q);
    if (weight == nullptr) return own;
    return {own.loss * Lane<T>{weight[i]}, own.slope * Lane<T>{weight[i]}};
  }
};

template <class T>
void mse(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
         T* total, const Context& context) {
  reduce_losses(count, reduction, Mse<T>{}, pred, target, losses, dpred, total, context);
}

template <class T>
void l1(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
        T* total, const Context& context) {
  reduce_losses(count, reduction, L1<T>{}, pred, target, losses, dpred, total, context);
}

template <class T>
void huber(int64_t count, Reduction reduction, T delta, const T* pred, const T* target, T* losses,
           T* dpred, T* total, const Context& context) {
  reduce_losses(count, reduction, Huber<T>{delta}, pred, target, losses, dpred, total, context);
}

template <class T>
void binary_cross_entropy(const BinaryCrossEntropyProblem& p, const T* logits, const T* target,
                          const T* weight, const T* pos_weight, T* losses, T* dlogits, T* total,
                          const Context& context) {
  const int64_t row = p.classes * p.positions;
  const BinaryCrossEntropy<T> f{weight, pos_weight,
                                ChannelOf(row > 0 ? p.count / row : 0, p.classes, p.positions)};
  reduce_losses(p.count, p.reduction, f, logits, target, losses, dlogits, total, context);
}

}  // namespace

const ElementwiseLossKernels<float> elementwise_loss_f32 = {mse<float>, l1<float>, huber<float>,
                                                            binary_cross_entropy<float>};
const ElementwiseLossKernels<double> elementwise_loss_f64 = {mse<double>, l1<double>, huber<double>,
                                                             binary_cross_entropy<double>};

}  // namespace striate::cuda
