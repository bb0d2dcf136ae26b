"""For each operation of the registry, arguments that are right and such that it must refuse."""

from __future__ import annotations

from typing import Any

import pytest

from striate._registry import OPS

from . import activations, containers, convolutions, losses, norms, optimizers, poolings
from ._arrays import BadValue, Good, f32, f64, huge, ints, read_only

_FAMILIES = (convolutions, poolings, norms, activations, containers, losses, optimizers)

GOOD: Good = {name: call for family in _FAMILIES for name, call in family.GOOD.items()}
BAD_VALUES: list[BadValue] = [case for family in _FAMILIES for case in family.BAD_VALUES]


def call(name: str, **changes: Any) -> Any:
    """The good call of an op, with some arguments changed."""
    return OPS[name].function(**{**GOOD[name](), **changes})


def refuses(name: str, error: type[Exception], *parts: str, **changes: Any) -> None:
    """The call raises, and its message starts with the function's name and holds all parts."""
    with pytest.raises(error) as caught:
        call(name, **changes)
    message = str(caught.value)
    assert message.startswith(f"{name}: "), message
    assert " Got " in message or "not available" in message, message
    assert message.endswith("."), message
    for part in parts:
        assert part in message, message


__all__ = [
    "BAD_VALUES",
    "GOOD",
    "call",
    "f32",
    "f64",
    "huge",
    "ints",
    "read_only",
    "refuses",
]
