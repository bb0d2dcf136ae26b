// Losses of single elements with their gradients, in one sweep.
#include "core/formula/loss.h"
#include "cuda/index.h"
#include "cuda/kernels.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

using formula::LossAndSlope;

constexpr int64_t kLossesPerBlock = 8192;

// f(i) gives an element's loss and slope; part[b] gets the sum of a block's losses.
template <class T, class F>
__global__ void loss_kernel(int64_t count, const __grid_constant__ F f, T scale,
                            T* __restrict__ losses, T* __restrict__ slopes,
                            double* __restrict__ part) {
  for (int64_t b = blockIdx.x; b < ceil_div(count, kLossesPerBlock); b += gridDim.x) {
    const int64_t end = least((b + 1) * kLossesPerBlock, count);
    LongSum<T> sum;
    for (int64_t i = b * kLossesPerBlock + threadIdx.x; i < end; i += blockDim.x) {
      const LossAndSlope<Lane<T>> own = f(i);
      slopes[i] = own.slope.value * scale;
      if (losses != nullptr) losses[i] = own.loss.value;
      sum.add(own.loss.value);
    }
    const double total = block_reduce(sum.total(), Plus{});
    if (threadIdx.x == 0) part[b] = total;
  }
}

template <class T, class F>
void reduce_losses(int64_t count, Reduction reduction, const F& f, T* losses, T* slopes, T* total,
                   const Context& context) {
  const double divisor = reduction == Reduction::mean ? static_cast<double>(count) : 1.0;
  const int64_t blocks = ceil_div(count, kLossesPerBlock);
  const Scratch<double> part(context, blocks);
  launch("loss", loss_kernel<T, F>, blocks, kThreads, 0, context, count, f,
         static_cast<T>(1 / divisor), losses, slopes, part.data());
  finish_sum("loss", blocks, part.data(), divisor, nullptr, total, context);
}

template <class T>
struct Mse {
  const T *pred, *target;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(int64_t i) const {
    return formula::mse(Lane<T>{pred[i]}, Lane<T>{target[i]});
  }
};

template <class T>
struct L1 {
  const T *pred, *target;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(int64_t i) const {
    return formula::l1(Lane<T>{pred[i]}, Lane<T>{target[i]});
  }
};

template <class T>
struct Huber {
  const T *pred, *target;
  T delta;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(int64_t i) const {
    return formula::huber(Lane<T>{pred[i]}, Lane<T>{target[i]}, Lane<T>{delta});
  }
};

template <class T>
struct BinaryCrossEntropy {
  const T *logits, *target, *weight, *pos_weight;  // the last two may be null
  ChannelOf class_of;
  STRIATE_DEVICE LossAndSlope<Lane<T>> operator()(int64_t i) const {
    const Lane<T> q{pos_weight == nullptr ? T(1) : pos_weight[class_of(i)]};
    const LossAndSlope<Lane<T>> own =
        formula::binary_cross_entropy(Lane<T>{logits[i]}, Lane<T>{target[i]}, q);
    if (weight == nullptr) return own;
    return {own.loss * Lane<T>{weight[i]}, own.slope * Lane<T>{weight[i]}};
  }
};

template <class T>
void mse(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
         T* total, const Context& context) {
  reduce_losses(count, reduction, Mse<T>{pred, target}, losses, dpred, total, context);
}

template <class T>
void l1(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses, T* dpred,
        T* total, const Context& context) {
  reduce_losses(count, reduction, L1<T>{pred, target}, losses, dpred, total, context);
}

template <class T>
void huber(int64_t count, Reduction reduction, T delta, const T* pred, const T* target, T* losses,
           T* dpred, T* total, const Context& context) {
  reduce_losses(count, reduction, Huber<T>{pred, target, delta}, losses, dpred, total, context);
}

template <class T>
void binary_cross_entropy(const BinaryCrossEntropyProblem& p, const T* logits, const T* target,
                          const T* weight, const T* pos_weight, T* losses, T* dlogits, T* total,
                          const Context& context) {
  const int64_t row = p.classes * p.positions;
  const BinaryCrossEntropy<T> f{logits, target, weight, pos_weight,
                                ChannelOf(row > 0 ? p.count / row : 0, p.classes, p.positions)};
  reduce_losses(p.count, p.reduction, f, losses, dlogits, total, context);
}

}  // namespace

const ElementwiseLossKernels<float> elementwise_loss_f32 = {mse<float>, l1<float>, huber<float>,
                                                            binary_cross_entropy<float>};
const ElementwiseLossKernels<double> elementwise_loss_f64 = {mse<double>, l1<double>, huber<double>,
                                                             binary_cross_entropy<double>};

}  // namespace striate::cuda
