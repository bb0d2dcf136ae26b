"""Layers one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, overload

from striate.init import RngLike, Stream

from ._module import Module
from ._pullback import Pullback, as_tuple


class Sequential(Module):
    """Layers one after another, each taking what the one before returns.

    A layer that returns a tuple gives the next one several inputs. Each layer allocates its output;
    none writes into its input.

    Args:
        layers: modules, named "0", "1", ...; or one mapping from names to modules.
        rng: the seed of all parameters and masks below that were given none of their own; see
            `Module` on seeds.

    Raises:
        TypeError: for something that is no module.
        ValueError: for a name that is empty, has a dot or is an attribute of Sequential.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.Sequential(
        ...     nn.Conv2d(1, 8, 3, activation="relu"), nn.Flatten(), nn.Linear(8 * 4, 10), rng=0
        ... )
        >>> list(net.state_dict())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        >>> x = np.ones((5, 1, 4, 4), np.float32)
        >>> y, pullback = net.vjp(x)
        >>> pullback(np.ones_like(y)).shape
        (5, 1, 4, 4)
        >>> net[:2](x).shape
        (5, 32)
    """

    def __init__(self, *layers: Module | Mapping[str, Module], rng: RngLike | None = None) -> None:
        self._rng = None if rng is None else Stream.of(rng)
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = dict(layers[0])
        else:
            named = {str(i): layer for i, layer in enumerate(layers)}  # type: ignore[misc]
        for name, layer in named.items():
            self._check(name, layer)
        # Not one by one: the paths of all are written at once.
        vars(self).update(named)
        self._attached()

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end, named by its position; return the net."""
        name = str(len(self))
        self._check(name, layer)
        setattr(self, name, layer)
        self._attached()
        return self

    def forward(self, *inputs: Any) -> Any:
        for layer in self:
            inputs = as_tuple(layer(*inputs))
        return _one_or_all(inputs)

    def vjp(self, *inputs: Any, train: bool = True) -> tuple[Any, Callable[..., Any]]:
        steps: list[tuple[Module, Pullback]] = []
        for layer in self:
            y, step = layer.vjp(*inputs, train=train)
            steps.append((layer, step))
            inputs = as_tuple(y)

        def pullback(*dys: Any, input_grad: bool = True) -> Any:
            first = 0 if input_grad else _first_that_learns([layer for layer, _ in steps])
            while len(steps) > first:
                # Popped, so that what a layer kept is freed before the next one allocates.
                _, step = steps.pop()
                dys = as_tuple(step(*dys, input_grad=input_grad or len(steps) > first))
            return _one_or_all(dys)

        return _one_or_all(inputs), pullback

    @overload
    def __getitem__(self, key: slice) -> Sequential: ...
    @overload
    def __getitem__(self, key: int | str) -> Any: ...
    def __getitem__(self, key: int | str | slice) -> Any:
        """Return a layer by position or name; a slice is a net of the same layers and names."""
        layers = dict(self.children())
        if isinstance(key, str):
            return layers[key]
        if isinstance(key, slice):
            # A window on this net: its layers stay where they are.
            window = Sequential()
            vars(window).update(list(layers.items())[key])
            return window
        return list(layers.values())[key]

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return iter([layer for _, layer in self.children()])

    def _check(self, name: str, layer: object) -> None:
        if not isinstance(layer, Module):
            raise TypeError(f"Sequential: layers must be modules. Got {type(layer).__name__}.")
        if not name or "." in name or hasattr(self, name):
            raise ValueError(
                "Sequential: a layer's name must be neither empty, nor dotted, nor taken. "
                f"Got {name!r}."
            )

    def _attached(self) -> None:
        self._place()
        if self._rng is not None:
            self._offer_seed(self._rng)


def _first_that_learns(layers: list[Module]) -> int:
    for i, layer in enumerate(layers):
        if any(parameter.needs_grad for parameter in layer.parameters()):
            return i
    return len(layers)


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values
