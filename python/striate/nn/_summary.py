"""A table of a net's layers."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._observe import watch
from ._pullback import as_tuple

if TYPE_CHECKING:
    from ._module import Module


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        path: its dotted path.
        layer: its class.
        output_shape: of its first output.
        parameters: the number of its own; a layer that runs twice has them once.
        flops: see `Module.flops`.
        activation_bytes: the size of its outputs, but for those that share memory with its inputs.
    """

    path: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    flops: int = 0
    activation_bytes: int = 0


@dataclass(frozen=True)
class Summary:
    """The layers that have run, in order, and what they add up to.

    The sum of `activation_bytes` is what all layers' outputs take, which is about what a training
    step keeps until its pullback; inference frees most of them earlier.
    """

    rows: list[Row]
    parameters: int
    flops: int = 0
    activation_bytes: int = 0

    def __str__(self) -> str:
        table = [("path", "layer", "output", "parameters", "flops", "activations")]
        table += [(row.path, row.layer, str(row.output_shape), *_numbers(row)) for row in self.rows]
        table.append(("total", "", "", *_numbers(self)))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(
                text.rjust(width) if column > 2 else text.ljust(width)
                for column, (text, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in table
        )


def _numbers(row: Row | Summary) -> tuple[str, str, str]:
    return f"{row.parameters:,}", f"{row.flops:,}", f"{row.activation_bytes / 2**20:,.2f} MiB"


def summarize(net: Module, input_shapes: tuple[tuple[int, ...], ...]) -> Summary:
    """Run `net` on zeros, and write down what its layers return.

    A layer of layers has a row only where its output is not that of one of them, such as a sum.
    """
    rows: list[Row] = []
    counted: set[int] = set()
    known: dict[int, weakref.ref[Any]] = {}  # the outputs that have a row, while they live
    paths = {id(layer): path for path, layer in net.named_modules()}

    def is_known(array: Any) -> bool:
        return id(array) in known and known[id(array)]() is array

    def note(layer: Module, inputs: tuple[Any, ...], y: Any) -> None:
        outputs = as_tuple(y)
        inner = any(layer.children())
        if id(layer) not in paths or (inner and all(map(is_known, outputs))):
            return
        known.update({id(a): weakref.ref(a) for a in outputs})
        own = [] if inner else [p for p in layer.parameters() if id(p) not in counted]
        counted.update(map(id, own))
        new = [a for a in outputs if not any(np.may_share_memory(a, x) for x in inputs)]
        rows.append(
            Row(
                paths[id(layer)],
                type(layer).__name__,
                tuple(outputs[0].shape),
                sum(p.size for p in own),
                layer.flops(tuple(inputs[0].shape), tuple(outputs[0].shape)),
                sum(a.nbytes for a in new),
            )
        )

    dtype = next((p.dtype for p in net.parameters()), np.dtype("float32"))
    given = tuple(np.zeros(shape, dtype) for shape in input_shapes)
    known.update({id(x): weakref.ref(x) for x in given})
    with watch(note):
        net(*given)
    return Summary(
        rows,
        sum(p.size for p in net.parameters()),
        sum(row.flops for row in rows),
        sum(row.activation_bytes for row in rows),
    )


def multiply_add_flops(fan_in: int, y_shape: tuple[int, ...]) -> int:
    """Two for each of the products that make up an output."""
    return 2 * fan_in * math.prod(y_shape)
