// The table of kernels that one instruction set provides. The bindings call through it; nothing
// else of a kernel file is visible outside.
#pragma once

#include "core/context.h"
#include "core/plan/conv.h"
#include "core/shape.h"
#include "core/spec/batch_norm.h"
#include "core/spec/bias_grad.h"
#include "core/spec/concat.h"
#include "core/spec/dropout.h"
#include "core/spec/layer_norm.h"
#include "core/spec/linear.h"
#include "core/spec/loss.h"
#include "core/spec/lrn.h"
#include "core/spec/optimizer.h"
#include "core/spec/pad.h"
#include "core/spec/pool.h"
#include "core/spec/prelu.h"
#include "core/spec/scale_channels.h"
#include "core/spec/softmax.h"

namespace striate {

// Where a kernel leaves a single number: a double on the host, an element of an array on CUDA.
#if defined(STRIATE_CUDA_BACKEND)
template <class T>
using Number = T;
#else
template <class T>
using Number = double;
#endif

template <class T>
struct ActivationKernels {
  void (*relu)(int64_t count, const T* x, T* y, const Context&);
  void (*relu_grad)(int64_t count, const T* dy, const T* y, T* dx, const Context&);
  void (*leaky_relu)(int64_t count, const T* x, T slope, T* y, const Context&);
  void (*leaky_relu_grad)(int64_t count, const T* dy, const T* x, T slope, T* dx, const Context&);
  void (*elu)(int64_t count, const T* x, T alpha, T* y, const Context&);
  void (*elu_grad)(int64_t count, const T* dy, const T* y, T alpha, T* dx, const Context&);
  void (*sigmoid)(int64_t count, const T* x, T* y, const Context&);
  void (*sigmoid_grad)(int64_t count, const T* dy, const T* y, T* dx, const Context&);
  void (*tanh)(int64_t count, const T* x, T* y, const Context&);
  void (*tanh_grad)(int64_t count, const T* dy, const T* y, T* dx, const Context&);
  void (*softplus)(int64_t count, const T* x, T beta, T threshold, T* y, const Context&);
  void (*softplus_grad)(int64_t count, const T* dy, const T* x, T beta, T threshold, T* dx,
                        const Context&);
  void (*silu)(int64_t count, const T* x, T* y, const Context&);
  void (*silu_grad)(int64_t count, const T* dy, const T* x, T* dx, const Context&);
  void (*gelu)(int64_t count, const T* x, bool tanh, T* y, const Context&);
  void (*gelu_grad)(int64_t count, const T* dy, const T* x, bool tanh, T* dx, const Context&);
  void (*hardswish)(int64_t count, const T* x, T* y, const Context&);
  void (*hardswish_grad)(int64_t count, const T* dy, const T* x, T* dx, const Context&);
};

template <class T>
struct PreluKernels {
  void (*forward)(const PreluProblem&, const T* x, const T* weight, T* y, const Context&);
  void (*grad)(const PreluProblem&, const T* dy, const T* x, const T* weight, T* dx, T* dweight,
               const Context&);
};

template <class T>
struct ElementwiseKernels {
  void (*add)(int64_t count, const T* a, const T* b, bool relu, T* y, const Context&);
  void (*mul)(int64_t count, const T* a, const T* b, T* y, const Context&);
  void (*mul_grad)(int64_t count, const T* dy, const T* a, const T* b, T* da, T* db,
                   const Context&);
};

template <class T>
struct ScaleChannelsKernels {
  void (*forward)(const ScaleChannelsProblem&, const T* x, const T* scale, T* y, const Context&);
  void (*grad)(const ScaleChannelsProblem&, const T* dy, const T* x, const T* scale, T* dx,
               T* dscale, const Context&);
};

// `widths` are the parts' elements in one row.
template <class T>
struct ConcatKernels {
  void (*forward)(const ConcatProblem&, const T* const* arrays, const int64_t* widths, T* y,
                  const Context&);
  void (*grad)(const ConcatProblem&, const T* dy, const int64_t* widths, T* const* dxs,
               const Context&);
};

template <class T>
struct PadKernels {
  void (*forward)(const PadProblem&, const T* x, T value, T* y, const Context&);
  void (*grad)(const PadProblem&, const T* dy, T* dx, const Context&);
};

// For the benchmark: what the machine can do at best.
template <class T>
struct CeilingKernels {
  // Fused multiply-adds in registers; sums has one element a chunk. Returns the flops done.
  int64_t (*fma)(int64_t chunks, T* sums, const Context&);
  void (*copy)(int64_t count, const T* x, T* y, const Context&);
};

// For what measures their errors: operations include the formulas.
template <class T>
struct ElementaryKernels {
  void (*exp)(int64_t count, const T* x, T* y, const Context&);
  void (*log)(int64_t count, const T* x, T* y, const Context&);
  void (*pow)(int64_t count, T exponent, const T* x, T* y, const Context&);
};

// Indices count in the plane; 32 bits suffice where PoolProblem says so. The gradient returns the
// place of the first index outside the plane, or -1.
template <class T>
struct PoolKernels {
  void (*max)(const PoolProblem&, const T* x, T* y, const Context&);
  void (*max_indices32)(const PoolProblem&, const T* x, T* y, int32_t* indices, const Context&);
  void (*max_indices64)(const PoolProblem&, const T* x, T* y, int64_t* indices, const Context&);
  int64_t (*max_grad32)(const PoolGradProblem&, const T* dy, const int32_t* indices, T* dx,
                        const Context&);
  int64_t (*max_grad64)(const PoolGradProblem&, const T* dy, const int64_t* indices, T* dx,
                        const Context&);
};

template <class T>
struct AvgPoolKernels {
  void (*forward)(const AvgPoolProblem&, const T* x, T* y, const Context&);
  void (*grad)(const AvgPoolProblem&, const T* dy, T* dx, const Context&);
};

// The same as PoolKernels, for adaptive and for wide windows; of either kind of indices one is
// null.
template <class T>
struct AdaptiveMaxPoolKernels {
  void (*max)(const AvgPoolProblem&, const T* x, T* y, int32_t* narrow, int64_t* wide,
              const Context&);
};

template <class T>
struct LpPoolKernels {
  void (*forward)(const LpPoolProblem&, const T* x, T* y, const Context&);
  void (*grad)(const LpPoolProblem&, const T* dy, const T* x, const T* y, T* dx, const Context&);
};

template <class T>
struct StochasticPoolKernels {
  void (*forward)(const StochasticPoolProblem&, const T* x, T* y, const Context&);
  void (*grad)(const StochasticPoolProblem&, const T* dy, const T* x, T* dx, const Context&);
};

// gamma and beta may be null, for ones and zeros.
template <class T>
struct BatchNormKernels {
  void (*inference)(const BatchNormProblem&, const T* x, const T* mean, const T* var,
                    const T* gamma, const T* beta, bool relu, T* y, const Context&);
  void (*train)(const BatchNormProblem&, const T* x, const T* gamma, const T* beta, T* y, T* mean,
                T* var, const Context&);
  void (*grad)(const BatchNormProblem&, const T* dy, const T* x, const T* gamma, const T* mean,
               const T* var, bool frozen, T* dx, T* dgamma, T* dbeta, const Context&);
};

// The same for the scales and shifts.
template <class T>
struct LayerNormKernels {
  void (*forward)(const LayerNormProblem&, const T* x, const T* gamma, const T* beta, T* y,
                  const Context&);
  void (*grad)(const LayerNormProblem&, const T* dy, const T* x, const T* gamma, T* dx, T* dgamma,
               T* dbeta, const Context&);
};

template <class T>
struct LrnKernels {
  void (*forward)(const LrnProblem&, const T* x, T* y, const Context&);
  void (*grad)(const LrnProblem&, const T* dy, const T* x, T* dx, const Context&);
};

// Within a channel.
template <class T>
struct LrnWithinKernels {
  void (*forward)(const LrnProblem&, const T* x, T* y, const Context&);
  void (*grad)(const LrnProblem&, const T* dy, const T* x, T* dx, const Context&);
};

// `y` is the output of a fused ReLU, whose mask applies to dy, or null; so also below. The input
// gradient's bias, for each channel of dx, is that of a transposed convolution, or null.
template <class T>
struct ConvKernels {
  TileShape tile;
  // Elements of an algorithm's own form of the weights, 0 where it has none worth keeping; `packed`
  // holds that form or is null.
  int64_t (*packed_size)(const ConvProblem&, ConvAlgorithm);
  void (*pack)(const ConvProblem&, ConvAlgorithm, const T* w, T* packed, const Context&);
  void (*forward)(const ConvProblem&, ConvAlgorithm, const T* x, const T* w, const T* packed,
                  const T* bias, bool relu, T* y, const Context&);
  void (*input_grad)(const ConvProblem&, ConvAlgorithm, const T* dy, const T* w, const T* y,
                     const T* bias, T* dx, const Context&);
  // Bytes of each thread's scratch in direct convolution, which its vectors decide.
  int64_t (*direct_scratch)(const ConvProblem&, ConvDirection);
};

template <class T>
struct ConvWeightGradKernels {
  TileShape tile;
  void (*weight_grad)(const ConvProblem&, ConvAlgorithm, const T* dy, const T* x, const T* y, T* dw,
                      const Context&);
};

template <class T>
struct LinearKernels {
  void (*forward)(const LinearProblem&, const T* x, const T* w, const T* bias, bool relu, T* y,
                  const Context&);
  void (*input_grad)(const LinearProblem&, const T* dy, const T* w, const T* y, T* dx,
                     const Context&);
  void (*weight_grad)(const LinearProblem&, const T* dy, const T* x, const T* y, T* dw,
                      const Context&);
};

template <class T>
struct ReduceKernels {
  void (*bias_grad)(const BiasGradProblem&, const T* dy, const T* y, T* db, const Context&);
};

template <class T>
struct DropoutKernels {
  void (*forward)(const DropoutProblem&, const T* x, T* y, const Context&);
};

// `total` gets the reduced loss; `losses` is null but for Reduction::none.
template <class T>
struct LossKernels {
  void (*softmax_cross_entropy)(const CrossEntropyProblem&, const T* logits, const int64_t* labels,
                                const T* weight, T* losses, T* dlogits, Number<T>* total,
                                const Context&);
};

template <class T>
struct OptimizerKernels {
  void (*sgd_step)(const SgdOptions&, const SgdTensor<T>* tensors, int64_t count, const Context&);
};

// The losses are null or one for each label or element; the total is reduced.
template <class T>
struct NllKernels {
  void (*loss)(const CrossEntropyProblem&, const T* log_probs, const int64_t* labels,
               const T* weight, T* losses, T* dlog_probs, Number<T>* total, const Context&);
};

template <class T>
struct ElementwiseLossKernels {
  void (*mse)(int64_t count, Reduction, const T* pred, const T* target, T* losses, T* dpred,
              Number<T>* total, const Context&);
  void (*l1)(int64_t count, Reduction, const T* pred, const T* target, T* losses, T* dpred,
             Number<T>* total, const Context&);
  void (*huber)(int64_t count, Reduction, T delta, const T* pred, const T* target, T* losses,
                T* dpred, Number<T>* total, const Context&);
  void (*binary_cross_entropy)(const BinaryCrossEntropyProblem&, const T* logits, const T* target,
                               const T* weight, const T* pos_weight, T* losses, T* dlogits,
                               Number<T>* total, const Context&);
};

template <class T>
struct SoftmaxKernels {
  void (*softmax)(const SoftmaxProblem&, const T* x, T* y, const Context&);
  void (*softmax_grad)(const SoftmaxProblem&, const T* dy, const T* y, T* dx, const Context&);
  void (*log_softmax)(const SoftmaxProblem&, const T* x, T* y, const Context&);
  void (*log_softmax_grad)(const SoftmaxProblem&, const T* dy, const T* y, T* dx, const Context&);
};

template <class T>
struct AdamKernels {
  void (*step)(const AdamOptions&, const AdamTensor<T>*, int64_t count, const Context&);
};

template <class T>
struct ClipKernels {
  // *norm = theirs together with that of *others, which may be null.
  void (*norm)(const GradTensor<T>*, int64_t count, const double* others, double* norm,
               const Context&);
  void (*scale)(const GradTensor<T>*, int64_t count, const NormBound&, const Context&);
  void (*limit)(const GradTensor<T>*, int64_t count, double most, const Context&);
};

template <class T>
struct AdagradKernels {
  void (*step)(const AdagradOptions&, const AdagradTensor<T>*, int64_t count, const Context&);
};

template <class T>
struct RmspropKernels {
  void (*step)(const RmspropOptions&, const RmspropTensor<T>*, int64_t count, const Context&);
};

// What follows an update.
template <class T>
struct WeightKernels {
  void (*ema_step)(double decay, const EmaTensor<T>*, int64_t count, const Context&);
  void (*max_norm_step)(double max_norm, const RowTensor<T>*, int64_t count, const Context&);
};

template <class T>
struct Kernels {
  const CeilingKernels<T>* ceiling;
  const ActivationKernels<T>* activation;
  const ConvKernels<T>* conv;
  const ConvWeightGradKernels<T>* conv_weight_grad;
  const LinearKernels<T>* linear;
  const PoolKernels<T>* pool;
  const LrnKernels<T>* lrn;
  const AvgPoolKernels<T>* avg_pool;
  const BatchNormKernels<T>* batch_norm;
  const ReduceKernels<T>* reduce;
  const DropoutKernels<T>* dropout;
  const LossKernels<T>* loss;
  const OptimizerKernels<T>* optimizer;
  const NllKernels<T>* nll;
  const ElementwiseLossKernels<T>* elementwise_loss;
  const SoftmaxKernels<T>* softmax;
  const AdamKernels<T>* adam;
  const ClipKernels<T>* clip;
  const ElementwiseKernels<T>* elementwise;
  const ConcatKernels<T>* concat;
  const PadKernels<T>* pad;
  const PreluKernels<T>* prelu;
  const AdaptiveMaxPoolKernels<T>* adaptive_max_pool;
  const LpPoolKernels<T>* lp_pool;
  const StochasticPoolKernels<T>* stochastic_pool;
  const LrnWithinKernels<T>* lrn_within;
  const LayerNormKernels<T>* layer_norm;
  const ScaleChannelsKernels<T>* scale_channels;
  const AdagradKernels<T>* adagrad;
  const RmspropKernels<T>* rmsprop;
  const WeightKernels<T>* weights;
  const ElementaryKernels<T>* elementary;
};

struct KernelTable {
  const char* isa;
  Kernels<float> f32;
  Kernels<double> f64;

  template <class T>
  const Kernels<T>& get() const;
};
template <>
inline const Kernels<float>& KernelTable::get<float>() const {
  return f32;
}
template <>
inline const Kernels<double>& KernelTable::get<double>() const {
  return f64;
}

}  // namespace striate

#if defined(STRIATE_ISA)
// What each family's kernel file defines, for table.kernel.cpp to gather.
namespace striate::cpu::STRIATE_ISA {
extern const ActivationKernels<float> activation_f32;
extern const ActivationKernels<double> activation_f64;
extern const ConvKernels<float> conv_f32;
extern const ConvKernels<double> conv_f64;
extern const ConvWeightGradKernels<float> conv_weight_grad_f32;
extern const ConvWeightGradKernels<double> conv_weight_grad_f64;
extern const LinearKernels<float> linear_f32;
extern const LinearKernels<double> linear_f64;
extern const PoolKernels<float> pool_f32;
extern const PoolKernels<double> pool_f64;
extern const LrnKernels<float> lrn_f32;
extern const LrnKernels<double> lrn_f64;
extern const AvgPoolKernels<float> avg_pool_f32;
extern const AvgPoolKernels<double> avg_pool_f64;
extern const BatchNormKernels<float> batch_norm_f32;
extern const BatchNormKernels<double> batch_norm_f64;
extern const ReduceKernels<float> reduce_f32;
extern const ReduceKernels<double> reduce_f64;
extern const DropoutKernels<float> dropout_f32;
extern const DropoutKernels<double> dropout_f64;
extern const LossKernels<float> loss_f32;
extern const LossKernels<double> loss_f64;
extern const OptimizerKernels<float> optimizer_f32;
extern const OptimizerKernels<double> optimizer_f64;
extern const NllKernels<float> nll_f32;
extern const NllKernels<double> nll_f64;
extern const ElementwiseLossKernels<float> elementwise_loss_f32;
extern const ElementwiseLossKernels<double> elementwise_loss_f64;
extern const SoftmaxKernels<float> softmax_f32;
extern const SoftmaxKernels<double> softmax_f64;
extern const AdamKernels<float> adam_f32;
extern const AdamKernels<double> adam_f64;
extern const ClipKernels<float> clip_f32;
extern const ClipKernels<double> clip_f64;
extern const ElementwiseKernels<float> elementwise_f32;
extern const ElementwiseKernels<double> elementwise_f64;
extern const ConcatKernels<float> concat_f32;
extern const ConcatKernels<double> concat_f64;
extern const PadKernels<float> pad_f32;
extern const PadKernels<double> pad_f64;
extern const PreluKernels<float> prelu_f32;
extern const PreluKernels<double> prelu_f64;
extern const LayerNormKernels<float> layer_norm_f32;
extern const LayerNormKernels<double> layer_norm_f64;
extern const ScaleChannelsKernels<float> scale_channels_f32;
extern const ScaleChannelsKernels<double> scale_channels_f64;
extern const AdagradKernels<float> adagrad_f32;
extern const AdagradKernels<double> adagrad_f64;
extern const RmspropKernels<float> rmsprop_f32;
extern const RmspropKernels<double> rmsprop_f64;
extern const WeightKernels<float> weights_f32;
extern const WeightKernels<double> weights_f64;
extern const ElementaryKernels<float> elementary_f32;
extern const ElementaryKernels<double> elementary_f64;
extern const CeilingKernels<float> ceiling_f32;
extern const CeilingKernels<double> ceiling_f64;
extern const AdaptiveMaxPoolKernels<float> adaptive_max_pool_f32;
extern const AdaptiveMaxPoolKernels<double> adaptive_max_pool_f64;
extern const LpPoolKernels<float> lp_pool_f32;
extern const LpPoolKernels<double> lp_pool_f64;
extern const StochasticPoolKernels<float> stochastic_pool_f32;
extern const StochasticPoolKernels<double> stochastic_pool_f64;
extern const LrnWithinKernels<float> lrn_within_f32;
extern const LrnWithinKernels<double> lrn_within_f64;
extern const KernelTable table;
}  // namespace striate::cpu::STRIATE_ISA
#endif
