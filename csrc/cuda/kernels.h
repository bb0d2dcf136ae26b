// The table of CUDA kernels, with the CPU's signatures; families that have none are null.
#pragma once

#include "cpu/kernels.h"

// Every family that has CUDA kernels: the name of its field in the table, and of its type.
#define STRIATE_FOR_EACH_CUDA_FAMILY(X)        \
  X(ceiling, CeilingKernels)                   \
  X(activation, ActivationKernels)             \
  X(prelu, PreluKernels)                       \
  X(conv, ConvKernels)                         \
  X(conv_weight_grad, ConvWeightGradKernels)   \
  X(linear, LinearKernels)                     \
  X(elementwise, ElementwiseKernels)           \
  X(scale_channels, ScaleChannelsKernels)      \
  X(concat, ConcatKernels)                     \
  X(pad, PadKernels)                           \
  X(reduce, ReduceKernels)                     \
  X(dropout, DropoutKernels)                   \
  X(optimizer, OptimizerKernels)               \
  X(adam, AdamKernels)                         \
  X(adagrad, AdagradKernels)                   \
  X(rmsprop, RmspropKernels)                   \
  X(softmax, SoftmaxKernels)                   \
  X(loss, LossKernels)                         \
  X(nll, NllKernels)                           \
  X(elementwise_loss, ElementwiseLossKernels)  \
  X(batch_norm, BatchNormKernels)              \
  X(layer_norm, LayerNormKernels)              \
  X(pool, PoolKernels)                         \
  X(avg_pool, AvgPoolKernels)                  \
  X(adaptive_max_pool, AdaptiveMaxPoolKernels) \
  X(lp_pool, LpPoolKernels)                    \
  X(stochastic_pool, StochasticPoolKernels)    \
  X(lrn, LrnKernels)                           \
  X(lrn_within, LrnWithinKernels)              \
  X(clip, ClipKernels)                         \
  X(weights, WeightKernels)

namespace striate::cuda {

const KernelTable& kernels();

#define STRIATE_DECLARE(name, Type)    \
  extern const Type<float> name##_f32; \
  extern const Type<double> name##_f64;
STRIATE_FOR_EACH_CUDA_FAMILY(STRIATE_DECLARE)
#undef STRIATE_DECLARE

}  // namespace striate::cuda
