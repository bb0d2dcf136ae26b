"""Softmax, its loss and layer norms on CUDA: every way to share a slice out to threads.

Packs and single elements, by a thread, some lanes of a warp, a warp and a block, slices that are
one batch of registers or several, and arrays that are not aligned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cuda_device import Device, EmulatedLibrary

from striate import ops, reference
from striate._backend import _libraries

Array = np.typing.NDArray[Any]
ToNumpy = Callable[[Any], Any]

# (outer, the slice's length, inner): slices lie along the middle axis.
SHAPES = [
    *[(37, length, 1) for length in (1, 4, 6, 10, 32, 126, 128, 254, 256)],  # a warp's part
    *[(5, length, 1) for length in (260, 262, 1000, 1022, 1024)],  # a warp
    *[(2, length, 1) for length in (1028, 1030, 8192, 8196, 8195, 16400)],  # a block
    *[(2, length, 6) for length in (1, 3, 12, 13, 21, 24, 25, 70)],  # a thread
]
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=str)
EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])


def draw(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    return (3 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(dtype)


def calls(shape: tuple[int, int, int], dtype: str) -> dict[str, tuple[Any, ...]]:
    """The arguments of each operation; y of softmax and its logarithm are made by the reference."""
    x, dy = draw(shape, dtype), draw(shape, dtype, 1)
    labels = np.random.default_rng(2).integers(0, shape[1], (shape[0], shape[2]))
    labels[0, 0] = -100
    scale, shift = draw(shape[1:2], dtype, 3), draw(shape[1:2], dtype, 4)
    return {
        "softmax": (x, 1),
        "softmax_grad": (dy, reference.softmax(x, 1), 1),
        "log_softmax": (x, 1),
        "log_softmax_grad": (dy, reference.log_softmax(x, 1), 1),
        "softmax_cross_entropy": (x, labels),
        "layer_norm": (x, scale, shift),
        "layer_norm_grad": (dy, x, scale),
    }


OPERATIONS = sorted(calls((1, 1, 1), "float64"))
EVERY_OPERATION = pytest.mark.parametrize("name", OPERATIONS)


def options(name: str, dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    if name.startswith("layer_norm"):
        return {"axes": 1, "eps": 0.1}
    if name != "softmax_cross_entropy":
        return {}
    weight = 0.5 + np.random.default_rng(5).random(shape[1])
    return {"weight": weight.astype(dtype), "label_smoothing": 0.1, "reduction": "none"}


def call(module: Any, name: str, arguments: tuple[Any, ...], put: Any, **named: Any) -> list[Any]:
    moved = [put(a) if isinstance(a, np.ndarray) else a for a in arguments]
    kept = {k: put(a) if isinstance(a, np.ndarray) else a for k, a in named.items()}
    results = getattr(module, name)(*moved, **kept)
    return list(results) if isinstance(results, tuple) else [results]


@EVERY_DTYPE
@EVERY_SHAPE
@EVERY_OPERATION
def test_agrees_with_the_reference(
    name: str, shape: tuple[int, int, int], dtype: str, device: Device, to_numpy: ToNumpy
) -> None:
    arguments, named = calls(shape, dtype)[name], options(name, dtype, shape)
    got = to_numpy(call(ops, name, arguments, device.put, **named))
    want = call(
        reference,
        name,
        arguments,
        lambda a: a.astype("f8") if a.dtype.kind == "f" else a,
        **{k: a.astype("f8") if k == "weight" else a for k, a in named.items()},
    )
    relative = 3e-5 if dtype == "float32" else 1e-12
    for a, b in zip(got, map(np.asarray, want), strict=True):
        assert a.shape == b.shape
        # A slice's result is small where its terms cancel: what they are of, is the scale.
        np.testing.assert_allclose(a, b, rtol=relative, atol=relative * max(1, np.abs(b).max()))


@pytest.mark.parametrize("channels", [6, 8])
@pytest.mark.parametrize("plane", [(1, 3), (2, 4), (70, 60)])
def test_group_norm_agrees_with_the_reference(
    channels: int, plane: tuple[int, int], device: Device, to_numpy: ToNumpy
) -> None:
    x, dy = draw((3, channels, *plane), "float32"), draw((3, channels, *plane), "float32", 1)
    scale, shift = draw((channels,), "float32", 3), draw((channels,), "float32", 4)
    wide = [a.astype("f8") for a in (x, dy, scale, shift)]
    put = [device.put(a) for a in (x, dy, scale, shift)]
    got = [to_numpy(ops.group_norm(put[0], 2, *put[2:]))]
    got += to_numpy(ops.group_norm_grad(put[1], put[0], 2, put[2]))
    want = [reference.group_norm(wide[0], 2, *wide[2:])]
    want += reference.group_norm_grad(wide[1], wide[0], 2, wide[2])
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-5 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("device", ["emulated"], indirect=True)
@EVERY_SHAPE
@EVERY_OPERATION
def test_bits_do_not_depend_on_alignment(
    name: str, shape: tuple[int, int, int], device: Device, to_numpy: ToNumpy
) -> None:
    library = _libraries.library("cuda_device")
    assert isinstance(library, EmulatedLibrary)
    arguments, named = calls(shape, "float32")[name], options(name, "float32", shape)
    aligned = to_numpy(call(ops, name, arguments, device.put, **named))
    moved = to_numpy(
        call(ops, name, arguments, lambda a: library.put(a, a.dtype.itemsize), **named)
    )
    for a, b in zip(aligned, moved, strict=True):
        assert a.tobytes() == b.tobytes()
