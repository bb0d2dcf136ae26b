"""A table of a net's layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._observe import observe
from ._pullback import as_tuple

if TYPE_CHECKING:
    from ._module import Module


@dataclass(frozen=True)
class Row:
    """One layer: its dotted path, class, output shape and the number of its own parameters."""

    path: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """The layers that have run, in order, and the number of all parameters."""

    rows: list[Row]
    parameters: int

    def __str__(self) -> str:
        table = [("path", "layer", "output", "parameters")]
        table += [
            (row.path, row.layer, str(row.output_shape), f"{row.parameters:,}") for row in self.rows
        ]
        table.append(("total", "", "", f"{self.parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            f"{path:<{widths[0]}}  {layer:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}"
            for path, layer, shape, count in table
        )


def summarize(net: Module, input_shape: tuple[int, ...]) -> Summary:
    """Run `net` on zeros, and write down what its layers without layers of their own return."""
    rows: list[Row] = []
    counted: set[int] = set()

    def note(path: str, layer: Module, y: Any) -> None:
        if any(layer.children()):
            return
        # A layer that runs twice has its parameters once.
        own = [p for p in layer.parameters() if id(p) not in counted]
        counted.update(map(id, own))
        shape = tuple(as_tuple(y)[0].shape)
        rows.append(Row(path, type(layer).__name__, shape, sum(p.size for p in own)))

    dtype = next((p.dtype for p in net.parameters()), np.dtype("float32"))
    with observe(net, note):
        net(np.zeros(input_shape, dtype))
    return Summary(rows, sum(p.size for p in net.parameters()))
