"""The second half of a training pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from striate._typing import FloatArray

from ._parameter import Parameter, Route, route


class Pullback:
    """The gradient of one `vjp` call: it takes the output's gradient back to the inputs.

    It keeps what the gradient needs, runs once, and frees it.

    Args of a call:
        dys: one gradient per output of the layer; None stands for zeros.
        input_grad: whether the gradients of the inputs are wanted. Without, a `Sequential` stops at
            its first trainable layer.
        param_grad: whether the parameters' gradients are wanted.
        grads: a dict that the parameters' gradients are added to, by `Parameter`, instead of to
            each one's `.grad`.

    Returns:
        The gradient of the input; a tuple if there were several inputs, None for an integer one.
        None without `input_grad`.

    Raises:
        RuntimeError: at a second call, or when a parameter has changed since `vjp`.
        ValueError: if a gradient does not have its output's shape.
    """

    __slots__ = ("_run", "_shapes", "_versions")

    def __init__(
        self, run: Callable[..., Any], y: Any, parameters: Iterable[tuple[str, Parameter]]
    ) -> None:
        self._run: Callable[..., Any] | None = run
        self._shapes = [getattr(output, "shape", None) for output in as_tuple(y)]
        self._versions = [(name, p, p.version) for name, p in parameters]

    def __call__(
        self,
        *dys: Any,
        input_grad: bool = True,
        param_grad: bool = True,
        grads: MutableMapping[Parameter, FloatArray] | None = None,
    ) -> Any:
        if self._run is None:
            raise RuntimeError(
                "pullback: runs once, and has freed what it kept. Call vjp again for another one."
            )
        if grads is not None and not param_grad:
            raise ValueError("pullback: grads has no use with param_grad=False.")
        self._check_versions()
        self._check_gradients(dys)
        run, self._run = self._run, None

        # A pullback within a pullback keeps to what the outer one was asked.
        outer = route.get()
        token = route.set(
            Route(outer.wanted and param_grad, outer.grads if grads is None else grads)
        )
        try:
            dx = run(*dys, input_grad=input_grad) if accepts(run, "input_grad") else run(*dys)
        finally:
            route.reset(token)
        return dx if input_grad else None

    def _check_versions(self) -> None:
        for name, parameter, version in self._versions:
            if parameter.version != version:
                raise RuntimeError(
                    f"pullback: parameter {name!r} has changed since vjp. "
                    f"Got version {parameter.version}, was {version}."
                )

    def _check_gradients(self, dys: tuple[Any, ...]) -> None:
        if len(dys) != len(self._shapes):
            raise ValueError(
                "pullback: takes one gradient per output. "
                f"Got {len(dys)} for {len(self._shapes)} outputs."
            )
        if all(dy is None for dy in dys):
            raise ValueError("pullback: at least one gradient must not be None.")
        for dy, shape in zip(dys, self._shapes, strict=True):
            got = getattr(dy, "shape", None)
            if dy is not None and got != shape:
                raise ValueError(
                    f"pullback: dy must have the output's shape. Got {got}, expected {shape}."
                )


def accepts(function: Callable[..., Any], keyword: str) -> bool:
    """Whether a function has a parameter of this name."""
    code = getattr(function, "__code__", None)
    if code is None:
        return keyword in inspect.signature(function).parameters
    # inspect.signature would cost as much as a small layer.
    return keyword in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Several values are a tuple, one stands for itself."""
    return value if isinstance(value, tuple) else (value,)
