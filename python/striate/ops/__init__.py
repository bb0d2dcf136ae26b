"""Pure functions on arrays, one per kernel; gradients are functions of their own."""

from __future__ import annotations

from .activation import relu, relu_grad
from .conv import bias_grad, conv2d, conv2d_input_grad, conv2d_weight_grad
from .dropout import dropout
from .linear import linear, linear_input_grad, linear_weight_grad
from .loss import softmax_cross_entropy
from .lrn import local_response_norm, local_response_norm_grad
from .optimizer import sgd_step
from .pool import max_pool2d, max_pool2d_grad, max_pool2d_with_indices

__all__ = [
    "bias_grad",
    "conv2d",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "dropout",
    "linear",
    "linear_input_grad",
    "linear_weight_grad",
    "local_response_norm",
    "local_response_norm_grad",
    "max_pool2d",
    "max_pool2d_grad",
    "max_pool2d_with_indices",
    "relu",
    "relu_grad",
    "sgd_step",
    "softmax_cross_entropy",
]
