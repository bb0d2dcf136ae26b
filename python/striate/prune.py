"""Magnitude pruning: the smallest weights become zero, and stay zero.

A pruned parameter has a `mask`. Every optimizer applies it after each step, assignments and loads
do, and `state_dict` holds it as `weight_mask`; `load_state_dict` restores it. The zeros stay in
memory: pruning makes a net sparse, not smaller or faster by itself.

Examples:
    >>> from striate import nn, prune
    >>> net = nn.Sequential(nn.Linear(20, 50, activation="relu"), nn.Linear(50, 10), rng=0)
    >>> print(prune.magnitude(net, 0.9))
    tensor    zeros     of  sparsity
    0.weight    900  1,000    90.00%
    1.weight    450    500    90.00%
    total     1,350  1,500    90.00%
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray
from striate.nn import Module, Parameter
from striate.train import Callback

if TYPE_CHECKING:
    from striate.train import FitState

__all__ = ["Gradual", "SparsityReport", "magnitude", "remove", "sparsity"]

Scope = Literal["layer", "global"]


@dataclass(frozen=True)
class TensorSparsity:
    """One parameter: its name, how many of its elements are zero, and of how many."""

    name: str
    zeros: int
    size: int


@dataclass(frozen=True)
class SparsityReport:
    """The zeros among the weights of a net; prints itself as a table."""

    tensors: list[TensorSparsity]

    @property
    def sparsity(self) -> float:
        """The part of all these weights that is zero."""
        size = sum(tensor.size for tensor in self.tensors)
        return sum(tensor.zeros for tensor in self.tensors) / size if size else 0.0

    def __str__(self) -> str:
        total = TensorSparsity(
            "total", sum(t.zeros for t in self.tensors), sum(t.size for t in self.tensors)
        )
        table = [("tensor", "zeros", "of", "sparsity")]
        table += [
            (t.name, f"{t.zeros:,}", f"{t.size:,}", f"{t.zeros / t.size if t.size else 0:.2%}")
            for t in [*self.tensors, total]
        ]
        w = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            f"{name:<{w[0]}}  {zeros:>{w[1]}}  {of:>{w[2]}}  {part:>{w[3]}}"
            for name, zeros, of, part in table
        )


def magnitude(
    net: Module, sparsity: float, *, scope: Scope = "layer", skip: Sequence[str] = ()
) -> SparsityReport:
    """Prune the weights of smallest magnitude.

    Parameters with weight decay and two axes or more are pruned: weights, neither biases nor norm
    scales. What is pruned already stays pruned, whatever `sparsity` says, and counts. Of equal
    magnitudes the first ones in memory go.

    Args:
        net: changed in place.
        sparsity: the part of the weights that shall be zero, in [0, 1], rounded to whole ones.
        scope: "layer" makes each parameter that sparse; "global" compares all magnitudes, so that
            layers of small weights lose more.
        skip: names, or patterns such as "classifier.*", that are left alone.

    Returns:
        The zeros after pruning.

    Raises:
        ValueError: `sparsity` is out of [0, 1] or `scope` another, or there is nothing to prune.

    References:
        Han, Pool, Tran and Dally, Learning both Weights and Connections for Efficient Neural
        Networks (2015).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, prune
        >>> layer = nn.Linear(3, 1, bias=False)
        >>> layer.weight.data = np.float32([[0.1, -3.0, 2.0]])
        >>> _ = prune.magnitude(layer, 2 / 3)
        >>> layer.weight.data
        array([[ 0., -3.,  0.]], dtype=float32)
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"magnitude: sparsity must be in [0, 1]. Got sparsity={sparsity}.")
    if scope not in ("layer", "global"):
        raise ValueError(f"magnitude: scope must be 'layer' or 'global'. Got scope={scope!r}.")
    targets = _targets("magnitude", net, skip)
    # A weight that is masked already comes before all others.
    ranks = [
        np.where(p.mask == 0, -1.0, np.abs(p.data)) if p.mask is not None else np.abs(p.data)
        for _, p in targets
    ]
    if scope == "layer":
        kept = [_keep_largest(rank, sparsity) for rank in ranks]
    else:
        together = _keep_largest(np.concatenate([rank.ravel() for rank in ranks]), sparsity)
        ends = np.cumsum([rank.size for rank in ranks])[:-1]
        parts = np.split(together, ends)
        kept = [part.reshape(rank.shape) for part, rank in zip(parts, ranks, strict=True)]
    for (_, p), keep in zip(targets, kept, strict=True):
        before = True if p.mask is None else p.mask != 0
        p.mask = (keep & before).astype(p.dtype)
    return _report(targets)


def sparsity(net: Module, *, skip: Sequence[str] = ()) -> SparsityReport:
    """Count the zeros among the weights that `magnitude` would prune, masked or not."""
    return _report(_targets("sparsity", net, skip))


def remove(net: Module) -> None:
    """Remove all masks: what was pruned is zero still, and may change from now on."""
    for p in net.parameters():
        p.mask = None


class Gradual(Callback):
    """Prunes more and more during training, fast at first and slowly in the end.

    Formula: between the steps `begin` and `end` of the optimizer, every `every` steps, the sparsity
    is `final + (initial - final) * (1 - (step - begin) / (end - begin))**3`.

    It is a callback of `striate.train.Trainer`; a loop of your own calls `update(net, step)` after
    each step.

    Args:
        final: the sparsity from step `end` on.
        begin, end: the steps between which it grows.
        initial: the sparsity at step `begin`.
        every: how many steps the net has to recover between two prunings.
        scope, skip: as for `magnitude`.

    Raises:
        ValueError: a sparsity is out of [0, 1], or the steps are out of order.

    References:
        Zhu and Gupta, To prune, or not to prune: exploring the efficacy of pruning for model
        compression (2017), equation 1.

    Examples:
        >>> schedule = Gradual(0.8, begin=100, end=200)
        >>> [round(schedule(step), 3) for step in (0, 100, 150, 200, 300)]
        [0.0, 0.0, 0.7, 0.8, 0.8]
    """

    def __init__(
        self,
        final: float,
        *,
        begin: int = 0,
        end: int,
        initial: float = 0.0,
        every: int = 10,
        scope: Scope = "layer",
        skip: Sequence[str] = (),
    ) -> None:
        if not 0 <= initial <= final <= 1:
            raise ValueError(
                "Gradual: 0 <= initial <= final <= 1 must hold. "
                f"Got initial={initial}, final={final}."
            )
        if not 0 <= begin < end or every < 1:
            raise ValueError(
                "Gradual: 0 <= begin < end and every >= 1 must hold. "
                f"Got begin={begin}, end={end}, every={every}."
            )
        self.final = final
        self.begin = begin
        self.end = end
        self.initial = initial
        self.every = every
        self.scope: Scope = scope
        self.skip = tuple(skip)

    def __call__(self, step: int) -> float:
        """Return the sparsity after `step` steps."""
        if step < self.begin:
            return 0.0
        left = 1 - min((step - self.begin) / (self.end - self.begin), 1.0)
        return self.final + (self.initial - self.final) * left**3

    def update(self, net: Module, step: int) -> None:
        """Prune the net, if it is time, after `step` steps."""
        due = (step - self.begin) % self.every == 0 or step == self.end
        if self.begin <= step <= self.end and due:
            magnitude(net, self(step), scope=self.scope, skip=self.skip)

    def on_batch_end(self, state: FitState) -> None:
        self.update(state.trainer.net, state.trainer.optimizer.steps)


def _targets(function: str, net: Module, skip: Sequence[str]) -> list[tuple[str, Parameter]]:
    targets = [
        (name, p)
        for name, p in net.named_parameters()
        if p.decay and len(p.shape) > 1 and not any(fnmatchcase(name, s) for s in skip)
    ]
    if not targets:
        raise ValueError(f"{function}: net must have weights to prune. Got {net!r}.")
    return targets


def _keep_largest(rank: FloatArray, sparsity: float) -> npt.NDArray[np.bool_]:
    keep = np.ones(rank.size, bool)
    order = np.argsort(rank, axis=None, kind="stable")
    keep[order[: round(sparsity * rank.size)]] = False
    return keep.reshape(rank.shape)


def _report(targets: list[tuple[str, Parameter]]) -> SparsityReport:
    return SparsityReport(
        [TensorSparsity(name, int((p.data == 0).sum()), p.size) for name, p in targets]
    )
