"""Initial weights.

An initializer is a function `init(shape, fans, rng, dtype) -> array`; the factories here make them,
and layers take them as `weight_init=` and `bias_init=`. `fans` is the layer's `fans()`, `rng` an
int, a `numpy.random.Generator` or a `Stream`.

`lsuv`, `data_dependent` and `autoencoder` take a whole net and data, `pretrained` a net and a
file; `report` judges a net before its first step.

Examples:
    >>> from striate import init
    >>> init.xavier_uniform(gain=init.gain("tanh"))
    xavier_uniform(gain=1.6666666666666667)
    >>> init.kaiming_normal()((8, 4), init.Fans(fan_in=4, fan_out=8), 0, "float32").shape
    (8, 4)
"""

from __future__ import annotations

from ._autoencoder import AutoencoderStep, autoencoder
from ._data_dependent import DataDependentStep, data_dependent
from ._fans import Fans, Initializer, conv_fans
from ._gain import gain
from ._lsuv import LsuvStep, lsuv
from ._pretrained import PretrainedReport, pretrained
from ._report import InitReport, LayerReport, report
from ._simple import constant, normal, ones, uniform, zeros
from ._stream import RngLike, Stream
from ._structured import identity, orthogonal, sparse
from ._truncated import truncated_normal
from ._variance import (
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    xavier_normal,
    xavier_uniform,
)

__all__ = [
    "AutoencoderStep",
    "DataDependentStep",
    "Fans",
    "InitReport",
    "Initializer",
    "LayerReport",
    "LsuvStep",
    "PretrainedReport",
    "RngLike",
    "Stream",
    "autoencoder",
    "constant",
    "conv_fans",
    "data_dependent",
    "gain",
    "identity",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "lsuv",
    "normal",
    "ones",
    "orthogonal",
    "pretrained",
    "report",
    "sparse",
    "truncated_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
