"""Optimizers, and schedules of their learning rate.

Examples:
    >>> from striate import nn, optim
    >>> net = nn.Linear(4, 3)
    >>> optim.SGD(net.parameters(), lr=optim.warmup(optim.cosine(0.1, steps=1000), steps=50))
    SGD(
      2 parameters: lr=warmup(schedule=cosine(lr=0.1, steps=1000, eta_min=0.0), steps=50), \
momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, l1=0.0, \
decoupled=False, clip_norm=None, clip_value=None, max_norm=None, ema=None, convention='torch'
    )
"""

from __future__ import annotations

from . import schedules
from ._adagrad import Adagrad
from ._adam import Adam, AdamW
from ._convert import convert
from ._optimizer import Optimizer
from ._plateau import ReduceOnPlateau
from ._rmsprop import RMSprop
from ._sgd import SGD
from .schedules import (
    constant,
    cosine,
    cosine_restarts,
    exponential,
    inverse_time,
    multistep,
    one_cycle,
    polynomial,
    step,
    warmup,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "ReduceOnPlateau",
    "constant",
    "convert",
    "cosine",
    "cosine_restarts",
    "exponential",
    "inverse_time",
    "multistep",
    "one_cycle",
    "polynomial",
    "schedules",
    "step",
    "warmup",
]
