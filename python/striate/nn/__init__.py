"""Layers.

Calling a layer is inference; `vjp` is training, and returns the output and a pullback. See `Module`
for both, for custom layers and for seeds.

Examples:
    >>> import numpy as np
    >>> from striate import losses, nn, optim
    >>> net = nn.Sequential(nn.Linear(4, 16, activation="relu"), nn.Linear(16, 3), rng=0)
    >>> opt = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    >>> x, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 2, 0])
    >>> for _ in range(20):
    ...     y, pullback = net.vjp(x)
    ...     loss, dy = losses.cross_entropy(y, labels)
    ...     opt.zero_grad()
    ...     pullback(dy, input_grad=False)
    ...     opt.step()
    >>> net(x).argmax(axis=1)
    array([0, 1, 2, 0])
"""

from __future__ import annotations

from ._activation import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from ._adaptive_pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    GlobalAvgPool2d,
)
from ._batch_norm import BatchNorm1d, BatchNorm2d
from ._blocks import DepthwiseSeparableConv2d, SqueezeExcite
from ._branches import Concat, Residual
from ._buffer import Buffer
from ._conv import Conv1d, Conv2d, Conv3d
from ._conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._dropout import Dropout, Dropout2d
from ._fold import fold_batch_norm
from ._graph import Graph
from ._joins import Add, Concatenate, Multiply
from ._layer_norm import GroupNorm, LayerNorm
from ._linear import Linear
from ._module import LoadResult, Module
from ._normalization import LocalResponseNorm
from ._observe import observe
from ._parameter import Parameter, Seed
from ._pool import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    LpPool1d,
    LpPool2d,
    LpPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from ._prepack import Prepacked, prepack
from ._pullback import Pullback
from ._sequential import Sequential
from ._shape import Flatten
from ._smooth_activation import GELU, Hardswish, PReLU, SiLU, Softplus
from ._stochastic_pool import StochasticPool2d
from ._summary import Summary

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Concat",
    "Concatenate",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "DepthwiseSeparableConv2d",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Graph",
    "GroupNorm",
    "Hardswish",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LoadResult",
    "LocalResponseNorm",
    "LpPool1d",
    "LpPool2d",
    "LpPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "Multiply",
    "PReLU",
    "Parameter",
    "Prepacked",
    "Pullback",
    "ReLU",
    "Residual",
    "Seed",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SqueezeExcite",
    "StochasticPool2d",
    "Summary",
    "Tanh",
    "fold_batch_norm",
    "observe",
    "prepack",
]
