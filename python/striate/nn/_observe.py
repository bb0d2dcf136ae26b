"""Looking at the outputs of all layers of a net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from ._module import Module

# Called with a layer, its inputs and its output.
Observer: TypeAlias = Callable[["Module", tuple[Any, ...], Any], None]

_observer: ContextVar[Observer | None] = ContextVar("striate.nn.observer", default=None)


@contextmanager
def observe(net: Module, fn: Callable[[str, Module, Any], None]) -> Iterator[None]:
    """Call `fn(path, layer, y)` after each layer of `net` that runs in this block.

    Both inference and `vjp` are seen, in this thread only; containers after their layers. Paths are
    relative to `net`, which has the path "".

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        >>> with nn.observe(net, lambda path, layer, y: print(repr(path), y.shape)):
        ...     y = net(np.zeros((2, 4), np.float32))
        '0' (2, 3)
        '1' (2, 3)
        '' (2, 3)
    """
    paths = {id(layer): path for path, layer in net.named_modules()}

    def call(layer: Module, inputs: tuple[Any, ...], y: Any) -> None:
        if id(layer) in paths:
            fn(paths[id(layer)], layer, y)

    with watch(call):
        yield


@contextmanager
def watch(observer: Observer) -> Iterator[None]:
    """Call the observer after each layer that runs in this block, and those around it before."""

    def call(layer: Module, inputs: tuple[Any, ...], y: Any) -> None:
        if outer is not None:
            outer(layer, inputs, y)
        observer(layer, inputs, y)

    outer = _observer.get()
    token = _observer.set(call)
    try:
        yield
    finally:
        _observer.reset(token)


def seen(layer: Module, inputs: tuple[Any, ...], y: Any) -> None:
    """Report that a layer has run."""
    observer = _observer.get()
    if observer is not None:
        observer(layer, inputs, y)
