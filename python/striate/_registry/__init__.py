"""Every operation with its reference, samples, tolerance, gradient and benchmark.

The tests, `striate.verify` and the benchmark go through `OPS`; a new operation gets an entry in its
family's module.
"""

from __future__ import annotations

from . import (
    activation,
    adaptive_pool,
    avg_pool,
    batch_norm,
    conv,
    conv_transpose,
    dropout,
    elementwise,
    elementwise_loss,
    layer_norm,
    linear,
    loss,
    lp_pool,
    lrn,
    optimizer,
    pool,
    prelu,
    scale_channels,
    shape,
    smooth_activation,
    softmax,
    stochastic_pool,
    weights,
)
from ._draw import Draw
from ._entry import Arguments, Array, Bench, Case, Gradient, Op, Sample, Tolerance

_FAMILIES = (
    conv,
    conv_transpose,
    linear,
    pool,
    avg_pool,
    adaptive_pool,
    lp_pool,
    stochastic_pool,
    lrn,
    batch_norm,
    layer_norm,
    activation,
    smooth_activation,
    prelu,
    softmax,
    elementwise,
    scale_channels,
    shape,
    dropout,
    loss,
    elementwise_loss,
    optimizer,
    weights,
)

OPS: dict[str, Op] = {op.name: op for family in _FAMILIES for op in family.OPS}

__all__ = [
    "OPS",
    "Arguments",
    "Array",
    "Bench",
    "Case",
    "Draw",
    "Gradient",
    "Op",
    "Sample",
    "Tolerance",
]
