"""Pure functions on arrays, one per kernel; gradients are functions of their own."""

from __future__ import annotations

from .activation import (
    elu,
    elu_grad,
    leaky_relu,
    leaky_relu_grad,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    tanh,
    tanh_grad,
)
from .avg_pool import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_grad,
    avg_pool2d,
    avg_pool2d_grad,
)
from .batch_norm import batch_norm, batch_norm_grad, batch_norm_train
from .conv import conv1d, conv2d, conv3d
from .conv_grad import (
    bias_grad,
    conv1d_input_grad,
    conv1d_weight_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv3d_input_grad,
    conv3d_weight_grad,
)
from .conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from .conv_transpose_grad import (
    conv_transpose1d_input_grad,
    conv_transpose1d_weight_grad,
    conv_transpose2d_input_grad,
    conv_transpose2d_weight_grad,
    conv_transpose3d_input_grad,
    conv_transpose3d_weight_grad,
)
from .dropout import dropout
from .elementwise import add, add_grad, mul, mul_grad
from .linear import linear, linear_input_grad, linear_weight_grad
from .loss import mse_loss, nll_loss, softmax_cross_entropy
from .lrn import local_response_norm, local_response_norm_grad
from .optimizer import adam_step, clip_grad_norm, sgd_step
from .pool import max_pool2d, max_pool2d_grad, max_pool2d_with_indices
from .prelu import prelu, prelu_grad
from .shape import concat, concat_grad, pad, pad_grad
from .smooth_activation import (
    gelu,
    gelu_grad,
    hardswish,
    hardswish_grad,
    silu,
    silu_grad,
    softplus,
    softplus_grad,
)
from .softmax import log_softmax, log_softmax_grad, softmax, softmax_grad

__all__ = [
    "adam_step",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_grad",
    "add",
    "add_grad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "batch_norm",
    "batch_norm_grad",
    "batch_norm_train",
    "bias_grad",
    "clip_grad_norm",
    "concat",
    "concat_grad",
    "conv1d",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "conv2d",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv3d",
    "conv3d_input_grad",
    "conv3d_weight_grad",
    "conv_transpose1d",
    "conv_transpose1d_input_grad",
    "conv_transpose1d_weight_grad",
    "conv_transpose2d",
    "conv_transpose2d_input_grad",
    "conv_transpose2d_weight_grad",
    "conv_transpose3d",
    "conv_transpose3d_input_grad",
    "conv_transpose3d_weight_grad",
    "dropout",
    "elu",
    "elu_grad",
    "gelu",
    "gelu_grad",
    "hardswish",
    "hardswish_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "linear",
    "linear_input_grad",
    "linear_weight_grad",
    "local_response_norm",
    "local_response_norm_grad",
    "log_softmax",
    "log_softmax_grad",
    "max_pool2d",
    "max_pool2d_grad",
    "max_pool2d_with_indices",
    "mse_loss",
    "mul",
    "mul_grad",
    "nll_loss",
    "pad",
    "pad_grad",
    "prelu",
    "prelu_grad",
    "relu",
    "relu_grad",
    "sgd_step",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_cross_entropy",
    "softmax_grad",
    "softplus",
    "softplus_grad",
    "tanh",
    "tanh_grad",
]
