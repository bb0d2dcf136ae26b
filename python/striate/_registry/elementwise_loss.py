from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Bench, Case, Gradient, Op, Sample, Tolerance, nbytes

_SHAPES: list[tuple[int, ...]] = [(), (1,), (7,), (3, 5, 4), (65_537,), (100, 1000)]
_FAR = np.array([-1e4, 1e4, -90.0, 90.0, -1e-4, 1e-7, -0.3])
_SUM = Tolerance(5e-7, 1e-15, "a sum whose terms are added in another order")
_EXPONENTIALS = Tolerance(1e-6, 2e-15, "sums of logarithms of exponentials")


def _regression(*options: dict[str, Any]) -> Callable[[np.random.Generator], Iterator[Sample]]:
    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        for kwargs in options or ({},):
            for shape in _SHAPES:
                for reduction in ("mean", "sum", "none"):
                    pred, target = (np.asarray(rng.standard_normal(shape)) for _ in range(2))
                    yield Sample((pred, target), {**kwargs, "reduction": reduction})
        special = np.array([np.nan, np.inf, -np.inf, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0, 1e4])
        yield Sample(special, {"reduction": "none"}, smooth=False)
        yield Sample((np.zeros((0, 4)), np.zeros((0, 4))), smooth=False)  # NaN
        yield Sample((np.zeros((0, 4)), np.zeros((0, 4))), {"reduction": "sum"}, smooth=False)

    return draw


def _binary(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in _SHAPES:
        for i, reduction in enumerate(("mean", "sum", "none")):
            logits = np.asarray(3 * rng.standard_normal(shape))
            target = np.asarray(rng.uniform(size=shape))
            kwargs: dict[str, Any] = {"reduction": reduction}
            if i != 0:
                kwargs["pos_weight"] = rng.uniform(0.5, 3.0, shape[1] if len(shape) > 1 else 1)
            if i != 1:
                kwargs["weight"] = np.asarray(rng.uniform(0.5, 2.0, shape))
            yield Sample((logits, target), kwargs)
    planes = rng.standard_normal((5, 3, 160, 41)), rng.uniform(size=(5, 3, 160, 41))
    yield Sample(planes, {"pos_weight": np.array([0.5, 1.0, 4.0])})
    for label in (0.0, 1.0):
        yield Sample((_FAR, np.full(7, label)), {"reduction": "none"}, smooth=False)
    special = np.array([np.nan, np.inf, -np.inf, np.inf]), np.array([0.0, 1.0, 0.0, 0.5])
    yield Sample(special, {"reduction": "none"}, smooth=False)
    for shape in ((0, 4), (4, 0, 2)):
        empty = np.zeros(shape), np.zeros(shape)
        yield Sample(empty, {"pos_weight": np.ones(shape[1])}, smooth=False)  # NaN


_REDUCTIONS = ("mean", "sum", "none")


def _smooth_regression(*deltas: float) -> Callable[[Draw], Sample]:
    """The difference of the two is away from 0, and from these."""

    def call(draw: Draw) -> Sample:
        target = draw.normal(draw.shape(0, 4))
        kinks = [sign * delta for delta in deltas for sign in (-1, 1)]
        pred = np.asarray(target + draw.apart(target.shape, 0.0, *kinks))
        kwargs = {"delta": draw.option(*deltas)} if deltas else {}
        return Sample((pred, target), {**kwargs, "reduction": draw.option(*_REDUCTIONS)})

    return call


def _smooth_binary(draw: Draw) -> Sample:
    shape = draw.shape(1, 4)
    classes = shape[1] if len(shape) > 1 else 1
    return Sample(
        (3 * draw.normal(shape), draw.uniform(0, 1, shape)),
        {
            "weight": draw.option(None, draw.uniform(0.5, 2, shape)),
            "pos_weight": draw.option(None, draw.uniform(0.5, 3, (classes,))),
            "reduction": draw.option(*_REDUCTIONS),
        },
    )


def _case(rng: np.random.Generator, batch: int) -> Sample:
    return Sample((rng.standard_normal((batch, 784)), rng.standard_normal((batch, 784))))


def _multi_label(rng: np.random.Generator, batch: int) -> Sample:
    labels = rng.integers(0, 2, (batch, 1000)).astype(np.float64)
    return Sample((rng.standard_normal((batch, 1000)), labels))


def _bench(case: Case, first: str) -> Bench:
    return Bench(
        (case,),
        "bytes",
        lambda a: 3 * nbytes(a[first]),
        f"{first} and target read, d{first} written",
    )


def _slopes(function: Callable[..., Any]) -> dict[str, Gradient]:
    """The gradients of a loss of pred - target."""
    return {
        "pred": lambda a, dy: np.asarray(function(**a)[1] * dy),
        "target": lambda a, dy: np.asarray(-function(**a)[1] * dy),
    }


_AUTOENCODER = _bench(Case("mnist.autoencoder", 1024, _case), "pred")


def _logits_grad(a: Any, dy: FloatArray) -> FloatArray:
    return np.asarray(ops.binary_cross_entropy_with_logits(**a)[1] * dy)


OPS = [
    Op(
        ops.mse_loss,
        reference.mse_loss,
        _regression(),
        _SUM,
        _AUTOENCODER,
        gradient=_slopes(ops.mse_loss),
        smooth_call=_smooth_regression(),
    ),
    Op(
        ops.l1_loss,
        reference.l1_loss,
        _regression(),
        _SUM,
        _AUTOENCODER,
        gradient=_slopes(ops.l1_loss),
        smooth_call=_smooth_regression(),
    ),
    Op(
        ops.huber_loss,
        reference.huber_loss,
        _regression({}, {"delta": 0.3}),
        _SUM,
        _AUTOENCODER,
        gradient=_slopes(ops.huber_loss),
        smooth_call=_smooth_regression(0.5, 1.5),
    ),
    Op(
        ops.binary_cross_entropy_with_logits,
        reference.binary_cross_entropy_with_logits,
        _binary,
        _EXPONENTIALS,
        _bench(Case("imagenet.multi_label", 256, _multi_label), "logits"),
        gradient={"logits": _logits_grad},
        smooth_call=_smooth_binary,
    ),
]
