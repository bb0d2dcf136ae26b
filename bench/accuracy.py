"""Errors of the convolutions' algorithms against float64, beside PyTorch's on the same data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import striate
from striate._registry import OPS, Sample

from . import _torch
from .case import Run
from .report import align
from .suites.conv import ARGUMENTS, DIRECTIONS, Layer
from .suites.ops import sides_of

Array = npt.NDArray[np.float32]

LAYERS = (
    Layer("3x3", (2,), 64, 28, 64, 3, padding=1),
    Layer("3x3", (2,), 256, 14, 256, 3, padding=1),
    Layer("3x3", (2,), 512, 14, 512, 3, padding=1),
    Layer("3x3/2", (8,), 128, 56, 128, 3, stride=2, padding=1),
    Layer("3x3/2", (8,), 256, 28, 256, 3, stride=2, padding=1),
    Layer("3x3, 32 groups", (2,), 512, 14, 512, 3, padding=1, groups=32),
    Layer("11x11/4", (2,), 3, 224, 64, 11, stride=4, padding=2),
    Layer("7x7/2", (2,), 3, 224, 64, 7, stride=2, padding=3),
    Layer("5x5", (2,), 64, 27, 64, 5, padding=2),
    Layer("5x5", (2,), 256, 14, 256, 5, padding=2),
    Layer("5x5", (2,), 512, 14, 512, 5, padding=2),
)
DATA = {
    "normal": "mean 0, deviation 1",
    "uniform": "between 0 and 1",
    "offset": "mean 100, deviation 1",
    "sparse": "5% normal, the others 0",
}


def name_of(layer: Layer) -> str:
    """Name a layer."""
    return f"{layer.name} C={layer.channels}"


def measure(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return a row for each layer, kind of data and direction."""
    before = striate.get_precision()
    try:
        return list(_rows(layers))
    finally:
        striate.set_precision(before)


def _rows(layers: Sequence[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        for data in DATA:
            for name, direction in DIRECTIONS.items():
                sample = _sample(name, layer, data)
                wide = sample.cast(np.float64)
                op = OPS[name]
                want = op.reference(*wide.args, **wide.kwargs)
                run = sides_of(op, sample, _torch.load()).run
                row: dict[str, Any] = {
                    "layer": name_of(layer),
                    "data": data,
                    "direction": direction,
                }
                for precision in ("fast", "exact"):
                    striate.set_precision(precision)
                    explained = striate.explain(name, *sample.args, **sample.kwargs)
                    row[precision] = {
                        "algorithm": explained.algorithm,
                        "error": _error(run["striate"], want),
                    }
                row["torch"] = _error(run["torch"], want) if "torch" in run else None
                yield row


def _sample(name: str, layer: Layer, data: str) -> Sample:
    """The call's arrays; the weights are normal whatever the data."""
    rng = np.random.default_rng(0)
    shapes = layer.shapes(layer.batches[0])
    first, second, third = ARGUMENTS[name]
    arrays = [_draw(rng, shapes[a], "normal" if a == "w" else data) for a in (first, second)]
    rest = () if third is None else (shapes[third],)
    return Sample((*arrays, *rest), layer.options())


def _draw(rng: np.random.Generator, shape: tuple[int, ...], data: str) -> Array:
    if data == "uniform":
        return rng.random(shape, np.float32)
    x = rng.standard_normal(shape, np.float32)
    if data == "offset":
        x += 100
    if data == "sparse":
        x *= rng.random(shape) < 0.05
    return x


def _error(run: Run, want: npt.NDArray[np.float64]) -> float:
    got = run()
    got = got.numpy() if hasattr(got, "numpy") else got
    return float(np.abs(got - want).max() / np.abs(want).max())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Lay out the errors, and name the algorithms that made them."""
    lines = [["layer", "data"]]
    for direction in DIRECTIONS.values():
        lines[0] += [f"{direction}: fast", "exact", "PyTorch"]
    cells: dict[tuple[str, str], list[str]] = {}
    algorithms: dict[str, list[str]] = {}
    for row in rows:
        fast, exact, torch = row["fast"], row["exact"], row["torch"]
        cells.setdefault((row["layer"], row["data"]), []).extend(
            [
                f"{fast['error']:.1e}",
                f"{exact['error']:.1e}",
                "" if torch is None else f"{torch:.1e}",
            ]
        )
        for precision in ("fast", "exact"):
            names = algorithms.setdefault(f"{row['direction']}, {precision}", [])
            if row[precision]["algorithm"] not in names:
                names.append(row[precision]["algorithm"])
    lines += [[*key, *values] for key, values in cells.items()]
    named = [f"{what}: {', '.join(names)}" for what, names in algorithms.items()]
    return "\n".join([align(lines, left=(0, 1)), "", *named])
