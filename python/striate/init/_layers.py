"""The layers of a net that have weights, and what they compute before their activation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from striate._typing import FloatArray

if TYPE_CHECKING:
    from striate.nn import Module


class _Stop(Exception):
    """Ends a pass that has gone far enough."""


def weighted_layers(function: str, net: Module, batch: FloatArray) -> list[tuple[str, Any]]:
    """Return paths and layers with a weight of two axes or more, in the order in which they run.

    Raises:
        ValueError: there are none.
    """
    from striate.nn import Parameter, observe

    found: dict[int, tuple[str, Any]] = {}

    def note(path: str, layer: Module, _: Any) -> None:
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Parameter) and len(weight.shape) > 1:
            found.setdefault(id(layer), (path, layer))

    with observe(net, note):
        net(batch)
    if not found:
        raise ValueError(f"{function}: net must have layers with weights. Got {net!r}.")
    return list(found.values())


def preactivation(net: Module, layer: Any, batch: FloatArray) -> FloatArray:
    """Return what a layer of the net computes in inference, without its fused activation."""
    from striate.nn import observe

    seen: list[FloatArray] = []

    def note(_: str, other: Module, y: Any) -> None:
        if other is layer:
            seen.append(y)
            raise _Stop

    with _without_activation(layer), observe(net, note), suppress(_Stop):
        net(batch)
    return seen[0]


@contextmanager
def _without_activation(layer: Any) -> Iterator[None]:
    activation = getattr(layer, "activation", None)
    if activation is None:
        yield
        return
    layer.activation = None
    try:
        yield
    finally:
        layer.activation = activation
