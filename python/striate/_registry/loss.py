from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray, IntArray

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

# The logits' shape, the labels' dtype, the options.
_CASES: list[tuple[tuple[int, ...], type, dict[str, Any]]] = [
    ((5, 7), np.int64, {}),
    ((1, 1), np.int32, {"reduction": "sum"}),
    ((6, 1), np.uint8, {"label_smoothing": 0.3}),
    ((11, 13), np.int8, {"reduction": "none"}),
    ((11, 13), np.uint64, {"reduction": "sum", "label_smoothing": 0.2}),
    ((3, 5, 4), np.int16, {"ignore_index": 2}),
    ((3, 5, 2, 7), np.int64, {"ignore_index": 1, "label_smoothing": 0.1, "weighted": True}),
    ((3, 5, 2, 7), np.int64, {"reduction": "none", "label_smoothing": 1.0, "weighted": True}),
    ((17, 6), np.int64, {"reduction": "mean", "weighted": True}),
    ((9, 6), np.int64, {"reduction": "sum", "weighted": True, "ignore_index": 0}),
    ((0, 4), np.int64, {"reduction": "none"}),
    ((0, 4), np.int64, {"reduction": "sum"}),
    ((2, 3, 0), np.int64, {"reduction": "none"}),
    ((257, 1000), np.int64, {"label_smoothing": 0.1}),
    ((3, 19, 41, 43), np.int32, {"ignore_index": 5}),
]


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, dtype, options in _CASES:
        kwargs = dict(options)
        if kwargs.pop("weighted", False):
            kwargs["weight"] = rng.uniform(0.5, 2.0, shape[1])
        labels: IntArray = rng.integers(shape[1], size=(shape[0], *shape[2:])).astype(dtype)
        yield Sample((3 * rng.standard_normal(shape), labels), kwargs)
    ten = rng.integers(0, 10, 8)
    far = 1e4 * rng.standard_normal((8, 10))  # exp overflows unless the maximum is taken off
    yield Sample((far, ten), smooth=False)
    yield Sample((rng.standard_normal((0, 4)), np.zeros(0, np.int64)), smooth=False)  # NaN
    yield Sample((rng.standard_normal((8, 10)), np.full(8, -100)), smooth=False)  # NaN


def _nll_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _samples(rng):
        if "label_smoothing" not in sample.kwargs:
            yield sample


def _smooth_nll(draw: Draw) -> Sample:
    shape = (draw.integer(1, 5), draw.integer(1, 6), *draw.shape(0, 2))
    labels: IntArray = draw.rng.integers(shape[1], size=(shape[0], *shape[2:]))
    # One label at least counts.
    ignored = draw.option(-100, *range(shape[1]))
    if (labels == ignored).all():
        ignored = -100
    return Sample(
        (3 * draw.normal(shape), labels),
        {
            "weight": draw.option(None, draw.uniform(0.5, 2, shape[1:2])),
            "ignore_index": ignored,
            "reduction": draw.option("mean", "sum", "none"),
        },
    )


def _smooth_cross_entropy(draw: Draw) -> Sample:
    sample = _smooth_nll(draw)
    smoothing = draw.option(0.0, 0.1, 1.0)
    return Sample(sample.args, {**sample.kwargs, "label_smoothing": smoothing})


def _scaled(gradient: FloatArray, a: Arguments, dy: FloatArray) -> FloatArray:
    product: FloatArray = gradient * (np.expand_dims(dy, 1) if a["reduction"] == "none" else dy)
    return product


def _case(name: str, batch: int, *shape: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        labels = rng.integers(0, shape[0], (batch, *shape[1:]))
        return Sample((rng.standard_normal((batch, *shape)), labels))

    return Case(name, batch, sample)


OPS = [
    Op(
        ops.softmax_cross_entropy,
        reference.softmax_cross_entropy,
        _samples,
        Tolerance(2e-6, 1e-14, "sums of exponentials, each within a few last places"),
        Bench(
            (_case("imagenet", 256, 1000), _case("segmentation", 4, 21, 128, 128)),
            "bytes",
            lambda a: 2 * nbytes(a["logits"]) + nbytes(a["labels"]),
            "logits and labels read, dlogits written",
        ),
        gradient={"logits": lambda a, dy: _scaled(ops.softmax_cross_entropy(**a)[1], a, dy)},
        smooth_call=_smooth_cross_entropy,
    ),
    Op(
        ops.nll_loss,
        reference.nll_loss,
        _nll_samples,
        Tolerance(5e-7, 1e-14, "a sum whose terms are added in another order"),
        Bench(
            (_case("imagenet", 256, 1000), _case("segmentation", 4, 21, 128, 128)),
            "bytes",
            lambda a: nbytes(a["log_probs"]) + nbytes(a["labels"]),
            "labels read, dlog_probs written",
        ),
        gradient={"log_probs": lambda a, dy: _scaled(ops.nll_loss(**a)[1], a, dy)},
        smooth_call=_smooth_nll,
    ),
]
