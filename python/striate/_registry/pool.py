from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import EXACT, Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

# The input's shape and the window.
Layer = tuple[tuple[int, ...], dict[str, Any]]
_WINDOWS: dict[int, list[Layer]] = {
    1: [
        ((2, 3, 17), {"kernel_size": 3, "stride": 2}),
        ((1, 2, 11), {"kernel_size": (2,), "padding": ((1, 2),), "ceil_mode": True}),
        ((1, 2, 40), {"kernel_size": 3, "dilation": 4, "stride": 1, "padding": "same"}),
        ((1, 1, 4), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
        ((1, 1, 1), {"kernel_size": 1}),
        ((0, 3, 5), {"kernel_size": 3}),
        ((3, 5, 9001), {"kernel_size": 3, "stride": 1}),
    ],
    2: [
        ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),  # overlapping
        ((2, 3, 8, 10), {"kernel_size": 2}),
        ((1, 2, 7, 11), {"kernel_size": (3, 2), "stride": (1, 3), "padding": ((1, 0), (0, 2))}),
        ((1, 2, 9, 10), {"kernel_size": 3, "dilation": (2, 3), "padding": 1, "stride": 1}),
        ((2, 1, 10, 7), {"kernel_size": (4, 3), "stride": (3, 2), "padding": "same"}),
        ((1, 3, 6, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
        ((1, 1, 5, 8), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
        ((1, 1, 4, 5), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
        ((3, 2, 1, 13), {"kernel_size": (1, 5), "stride": 1}),
        ((1, 1, 1, 1), {"kernel_size": 1}),
        ((0, 3, 5, 5), {"kernel_size": 3, "stride": 2}),
        ((2, 0, 5, 5), {"kernel_size": 3, "stride": 2}),
        ((1, 1, 6, 131), {"kernel_size": 3, "stride": 1, "padding": 1}),
        ((4, 37, 41, 43), {"kernel_size": 3, "stride": 2}),
    ],
    3: [
        ((2, 2, 5, 7, 9), {"kernel_size": 3, "stride": 2}),
        ((1, 2, 4, 6, 8), {"kernel_size": (1, 2, 2)}),
        (
            (1, 2, 4, 5, 6),
            {"kernel_size": (2, 3, 2), "stride": (1, 3, 2), "padding": ((1, 0), (0, 2), (1, 1))},
        ),
        ((1, 1, 7, 8, 9), {"kernel_size": 3, "dilation": (2, 1, 3), "stride": 1, "padding": 1}),
        ((1, 2, 5, 6, 7), {"kernel_size": 2, "stride": (2, 3, 2), "ceil_mode": True}),
        ((1, 1, 3, 4, 3), {"kernel_size": 2, "padding": 2}),  # windows of padding alone
        ((1, 1, 1, 1, 1), {"kernel_size": 1}),
        ((0, 2, 3, 3, 3), {"kernel_size": 2}),
        ((2, 9, 10, 21, 37), {"kernel_size": 3, "stride": (1, 2, 2), "padding": 1}),
    ],
}


def _drawn(rank: int, rng: np.random.Generator) -> Iterator[Sample]:
    for shape, window in _WINDOWS[rank]:
        yield Sample(
            (rng.standard_normal(shape),), window, smooth=window.get("padding") not in (2, 3)
        )
    side = (9, 9, 4)[:rank]
    ties = rng.integers(-1, 2, (2, 2, *side)).astype(np.float64)
    yield Sample((ties,), {"kernel_size": 3, "stride": 2, "padding": 1}, smooth=False)
    side = (9, 21, 5)[:rank]
    special = rng.choice([0.0, -np.inf, np.inf, np.nan, 1.0], (2, 2, *side), p=[0.2] * 5)
    yield Sample((special,), {"kernel_size": (2, 3, 2)[:rank], "stride": 1}, smooth=False)
    lowest = np.full((1, 1, *(5, 5, 3)[:rank]), -np.inf)
    yield Sample((lowest,), {"kernel_size": 3, "stride": 1, "padding": 1}, smooth=False)


# C3D's first two poolings, and M5's.
_NETWORKS: dict[int, list[tuple[str, int, tuple[int, ...], dict[str, Any]]]] = {
    1: [
        ("m5.pool2", 32, (128, 499), {"kernel_size": 4}),
        ("m5.pool1", 32, (128, 1981), {"kernel_size": 4}),
    ],
    2: [
        ("alexnet.pool1", 32, (96, 55, 55), {"kernel_size": 3, "stride": 2}),
        ("vgg.pool2", 8, (128, 112, 112), {"kernel_size": 2}),
        ("resnet.stem", 8, (64, 112, 112), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ],
    3: [
        ("c3d.pool1", 1, (64, 16, 112, 112), {"kernel_size": (1, 2, 2)}),
        ("c3d.pool2", 1, (128, 16, 56, 56), {"kernel_size": 2}),
    ],
}

GRAD_TOLERANCE = Tolerance(
    1e-6, 2e-15, "gradients of overlapping windows are added in another order"
)


def _outputs(a: Arguments, name: str) -> int:
    window = {name: value for name, value in a.items() if name != "x"}
    plane = getattr(reference, name)(a["x"][:1, :1], **window)
    return int(a["x"].shape[0] * a["x"].shape[1] * plane.size)


def grad_bytes(a: Arguments) -> float:
    """The bytes of dy and its indices, and of dx."""
    return nbytes(a["dy"], a["indices"]) + float(prod(a["x_shape"]) * a["dy"].itemsize)


def max_family(
    name: str,
    drawn: Any,
    cases: tuple[Case, ...],
    grad_cases: tuple[Case, ...],
    smooth_call: Callable[[Draw], Sample],
) -> Any:
    """Return the entries of a max pooling, with and without indices, and of its gradient.

    `drawn` draws samples of the forward call.
    """
    indices_name, grad_name = f"{name}_with_indices", f"{name}_grad"
    function, with_indices, grad = (getattr(ops, n) for n in (name, indices_name, grad_name))
    oracle = getattr(reference, indices_name)

    def backward(rng: np.random.Generator) -> Iterator[Sample]:
        for i, sample in enumerate(drawn(rng)):
            x, *rest = sample.args
            y, indices = oracle(x, *rest, **sample.kwargs)
            wide = indices.astype(
                [np.int32, np.int64, np.uint16][i % 3]
                if indices.size and indices.min() >= 0 and indices.max() < 2**16
                else np.int64
            )
            yield Sample((rng.standard_normal(y.shape), wide, x.shape))

    def gradient(a: Arguments, dy: FloatArray) -> Any:
        _, indices = with_indices(**a)
        return grad(dy, indices, a["x"].shape)

    return [
        Op(
            function,
            getattr(reference, name),
            drawn,
            EXACT,
            Bench(
                cases,
                "bytes",
                lambda a: nbytes(a["x"]) + _outputs(a, name) * a["x"].itemsize,
                "x read and y written",
            ),
            gradient={"x": gradient},
            smooth_call=smooth_call,
        ),
        Op(
            with_indices,
            oracle,
            drawn,
            EXACT,
            Bench(
                cases,
                "bytes",
                lambda a: nbytes(a["x"]) + _outputs(a, name) * (a["x"].itemsize + 4),
                "x read, y and its int32 indices written",
            ),
            gradient={"x": gradient},
            smooth_call=smooth_call,
        ),
        Op(
            grad,
            getattr(reference, grad_name),
            backward,
            GRAD_TOLERANCE,
            Bench(grad_cases, "bytes", grad_bytes, "dy and the indices read, dx written"),
            gradient_of=name,
        ),
    ]


def _cases(rank: int, *, backward: bool = False) -> tuple[Case, ...]:
    oracle = getattr(reference, f"max_pool{rank}d_with_indices")

    def case(name: str, batch: int, shape: tuple[int, ...], window: dict[str, Any]) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            x = rng.standard_normal((batch, *shape))
            if not backward:
                return Sample((x,), window)
            y, indices = oracle(x, **window)
            return Sample((y, indices, x.shape))

        return Case(name, batch, sample)

    return tuple(case(*layer) for layer in _NETWORKS[rank])


def _smooth_call(rank: int, draw: Draw) -> Sample:
    size, window = draw.window(rank, dilated=True)
    x = draw.distinct((draw.integer(1, 2), draw.integer(1, 3), *size))
    window["ceil_mode"] = draw.option(False, True)
    # A window that lies wholly in the padding has no slope.
    if not np.isfinite(getattr(ops, f"max_pool{rank}d")(x, **window)).all():
        window["padding"] = 0
    return Sample((x,), window)


def _family(rank: int) -> Any:
    return max_family(
        f"max_pool{rank}d",
        lambda rng: _drawn(rank, rng),
        _cases(rank),
        _cases(rank, backward=True),
        lambda draw: _smooth_call(rank, draw),
    )


OPS = [*_family(2), *_family(1), *_family(3)]
