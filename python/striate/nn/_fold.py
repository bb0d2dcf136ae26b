"""Batch norms folded into the layers before them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from striate import init, ops
from striate._typing import FloatArray

from ._activation import ReLU
from ._batch_norm import BatchNorm1d, BatchNorm2d
from ._buffer import Buffer
from ._conv import Conv, Conv1d, Conv2d
from ._linear import Linear
from ._module import Module
from ._parameter import Parameter
from ._sequential import Sequential

Net = TypeVar("Net", bound=Module)


def fold_batch_norm(net: Net) -> Net:
    """Return a copy of the net for inference, with batch norms folded into the layers before them.

    At inference a norm is a scale and a shift of each channel, which the layer before it can do
    with other weights::

        s = gamma / sqrt(running_var + eps)
        weight' = s * weight,    bias' = s * (bias - running_mean) + beta

    A norm is folded where it directly follows a layer of its kind in the same `Sequential`, at any
    depth of the net: BatchNorm2d a Conv2d, BatchNorm1d a Conv1d or Linear. The norm is then taken
    out, and a ReLU that follows it becomes the layer's own `activation`; other layers keep their
    names. Norms stay, and that is no error, where the layer has an activation of its own (it comes
    before the norm), the norm keeps no running statistics, the numbers of channels or the dtypes
    differ, and in modules of your own that are no Sequential.

    The copy computes what the net computes at inference but for rounding; training it is another
    thing than training the net. The net is not changed, nor are its parameters shared.

    Raises:
        TypeError: if net is no module.

    References:
        Jacob et al., Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference (2018), section 3.2.

    Examples:
        >>> from striate import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        >>> nn.fold_batch_norm(net)
        Sequential(
          (0): Conv2d(3, 8, (3, 3), stride=1, padding=0, dilation=1, groups=1, bias=True, \
activation='relu')
        )
    """
    if not isinstance(net, Module):
        raise TypeError(f"fold_batch_norm: net must be a module. Got {type(net).__name__}.")
    folded = copy.deepcopy(net)
    for module in list(folded.modules()):
        # What runs its layers in another way is no Sequential.
        if type(module).forward is Sequential.forward:
            _fold_layers(module)
    return folded


class _FoldedLinear(Linear):
    """A Linear behind which a norm was.

    BatchNorm1d normalises axis 1, which is the Linear's last axis for matrices only.
    """

    def forward(self, x: FloatArray) -> FloatArray:
        if x.ndim != 2:
            raise ValueError(
                "Linear: x must have axes (N, C) after a BatchNorm1d was folded. "
                f"Got shape {x.shape}."
            )
        return super().forward(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        return super().vjp(x)

    def __repr__(self) -> str:
        return f"Linear({self.extra_repr()})"


# Which norm folds into which layer, and what that becomes.
_PAIRS: dict[tuple[type[Module], type[Module]], type[Module]] = {
    (Conv1d, BatchNorm1d): Conv1d,
    (Conv2d, BatchNorm2d): Conv2d,
    (Linear, BatchNorm1d): _FoldedLinear,
    (_FoldedLinear, BatchNorm1d): _FoldedLinear,
}


def _fold_layers(net: Module) -> None:
    layers = list(net.children())
    at = 0
    while at + 1 < len(layers):
        name, layer = layers[at]
        norm = layers[at + 1][1]
        if not _folds(layer, norm):
            at += 1
            continue
        layer = _folded(layer, norm)
        gone = [layers.pop(at + 1)]
        if at + 1 < len(layers) and type(layers[at + 1][1]) is ReLU:
            layer.activation = "relu"
            gone.append(layers.pop(at + 1))
        for removed, _ in gone:
            delattr(net, removed)
        setattr(net, name, layer)
        layers[at] = name, layer


def _folds(layer: Any, norm: Any) -> bool:
    return (
        (type(layer), type(norm)) in _PAIRS
        and layer.activation is None
        and norm.running_mean is not None
        and layer.weight.shape[0] == norm.num_features
        and layer.weight.dtype == norm.running_mean.dtype
    )


def _folded(layer: Any, norm: Any) -> Any:
    """Make a new layer: the old one may be used in another place too."""
    folded = copy.copy(layer)
    folded.__class__ = _PAIRS[type(layer), type(norm)]
    if isinstance(folded, Conv):
        folded.packed = None
    outputs, dtype = norm.num_features, layer.weight.dtype
    zeros = Buffer(init.zeros(), (outputs,), dtype).data
    gamma, beta = (None if p is None else p.data for p in (norm.weight, norm.bias))
    mean, var = norm.running_mean.data, norm.running_var.data
    # The norm itself: of the bias, and without its shift of every tap.
    taps = layer.weight.data.reshape(outputs, -1).T
    weight = ops.batch_norm(taps, zeros, var, gamma, None if beta is None else zeros, eps=norm.eps)
    bias = (zeros if layer.bias is None else layer.bias.data).reshape(1, outputs)
    bias = ops.batch_norm(bias, mean, var, gamma, beta, eps=norm.eps)
    trainable = layer.weight.trainable
    folded.weight = Parameter(
        weight.T.reshape(layer.weight.shape), decay=layer.weight.decay, trainable=trainable
    )
    folded.bias = Parameter(bias.reshape(outputs), decay=False, trainable=trainable)
    return folded
