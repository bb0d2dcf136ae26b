"""Looking at the outputs of all layers of a net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from ._pullback import accepts

if TYPE_CHECKING:
    from ._module import Module

# Called with a layer, its inputs and its output.
Observer: TypeAlias = Callable[["Module", tuple[Any, ...], Any], None]

_observer: ContextVar[Observer | None] = ContextVar("striate.nn.observer", default=None)

# Called with a layer and the gradients of its outputs.
GradientObserver: TypeAlias = Callable[["Module", tuple[Any, ...]], None]

_gradient_observer: ContextVar[GradientObserver | None] = ContextVar(
    "striate.nn.gradient_observer", default=None
)


@contextmanager
def observe(
    net: Module,
    fn: Callable[[str, Module, Any], None],
    *,
    gradient: Callable[[str, Module, Any], None] | None = None,
) -> Iterator[None]:
    """Call `fn(path, layer, y)` after each layer of `net` that runs in this block.

    `gradient(path, layer, dy)` is called with the gradient of each layer's output (a tuple of
    several) when the pullback of a `vjp` of this block takes it, in the block or later.

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

    outer = _gradient_observer.get()

    def taken(layer: Module, dys: tuple[Any, ...]) -> None:
        if outer is not None:
            outer(layer, dys)
        if gradient is not None and id(layer) in paths:
            gradient(paths[id(layer)], layer, dys[0] if len(dys) == 1 else dys)

    token = _gradient_observer.set(outer if gradient is None else taken)
    try:
        with watch(call):
            yield
    finally:
        _gradient_observer.reset(token)


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


def watched(layer: Module, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a layer's pullback that also reports the gradient it is given."""
    observer = _gradient_observer.get()
    if observer is None:
        return run
    takes_input_grad = accepts(run, "input_grad")

    def pullback(*dys: Any, input_grad: bool = True) -> Any:
        observer(layer, dys)
        return run(*dys, input_grad=input_grad) if takes_input_grad else run(*dys)

    return pullback
