// Gathers the families of this instruction set.
#include "cpu/kernels.h"

#define STRIATE_TEXT2(x) #x
#define STRIATE_TEXT(x) STRIATE_TEXT2(x)

namespace striate::cpu::STRIATE_ISA {

const KernelTable table = {
    STRIATE_TEXT(STRIATE_ISA),
    {&ceiling_f32,    &activation_f32, &conv_f32,        &conv_weight_grad_f32,
     &linear_f32,     &pool_f32,       &lrn_f32,         &avg_pool_f32,
     &batch_norm_f32, &reduce_f32,     &dropout_f32,     &loss_f32,
     &optimizer_f32,  &nll_f32,        &mse_f32,         &softmax_f32,
     &adam_f32,       &clip_f32,       &elementwise_f32, &concat_f32,
     &pad_f32,        &prelu_f32,      &layer_norm_f32},
    {&ceiling_f64,    &activation_f64, &conv_f64,        &conv_weight_grad_f64,
     &linear_f64,     &pool_f64,       &lrn_f64,         &avg_pool_f64,
     &batch_norm_f64, &reduce_f64,     &dropout_f64,     &loss_f64,
     &optimizer_f64,  &nll_f64,        &mse_f64,         &softmax_f64,
     &adam_f64,       &clip_f64,       &elementwise_f64, &concat_f64,
     &pad_f64,        &prelu_f64,      &layer_norm_f64},
};

}  // namespace striate::cpu::STRIATE_ISA
