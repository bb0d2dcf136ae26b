"""What optimizers share: groups, state, and the step count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from striate import ops
from striate._typing import FloatArray
from striate.nn import Parameter

Rate: TypeAlias = float | Callable[[int], float]
Parameters: TypeAlias = Iterable[Parameter] | Iterable[Mapping[str, Any]]


class Optimizer:
    """The base class of optimizers.

    Attributes:
        param_groups: dicts with "params" and one value for each option; they may be changed between
            steps.
        steps: how many steps were taken.
    """

    # The arrays that are kept for each parameter, by name.
    _slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Parameters, options: dict[str, Any]) -> None:
        self.param_groups = _make_groups(type(self).__name__, params, options)
        self.steps = 0
        self._state: dict[Parameter, dict[str, FloatArray]] = {}
        # An empty step checks the options, with the error that a real one would raise.
        for group in self.param_groups:
            clip([], group)
            self._update([], group, rate(group, 0))

    def step(self) -> None:
        """Change each trainable parameter that has a gradient, in place.

        With `clip_norm`, the gradients of a group are scaled first if their common norm is greater;
        a norm that is not finite raises before any parameter is changed.
        """
        reached = [
            [p for p in group["params"] if p.trainable and p.grad is not None]
            for group in self.param_groups
        ]
        for params, group in zip(reached, self.param_groups, strict=True):
            clip(params, group)
        for params, group in zip(reached, self.param_groups, strict=True):
            self._update(params, group, rate(group, self.steps))
            for p in params:
                p.version += 1
        self.steps += 1

    def _update(self, params: list[Parameter], group: dict[str, Any], lr: float) -> None:
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Set every gradient to None."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of what a resumed run needs: "steps", and arrays such as "0.velocity".

        The number is that of the parameter, counted through the groups. Options are not in it:
        they are the program's.
        """
        state: dict[str, Any] = {"steps": self.steps}
        for i, p in enumerate(self._params()):
            for name, array in self._state.get(p, {}).items():
                state[f"{i}.{name}"] = array.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict` of an optimizer of the same parameters.

        Nothing is changed unless everything fits.

        Raises:
            ValueError: for a missing or unexpected key or another shape.
            TypeError: for another dtype.
        """
        function = f"{type(self).__name__}.load_state_dict"
        if "steps" not in state:
            raise ValueError(f"{function}: state must have the key 'steps'. Got {list(state)}.")
        places = {
            f"{i}.{slot}": (p, slot) for i, p in enumerate(self._params()) for slot in self._slots
        }
        loaded: dict[Parameter, dict[str, FloatArray]] = {}
        for key, array in state.items():
            if key == "steps":
                continue
            if key not in places:
                raise ValueError(f"{function}: state must fit the parameters. Got key {key!r}.")
            p, slot = places[key]
            loaded.setdefault(p, {})[slot] = p.checked(f"{function}: {key}", array)
        self._state = loaded
        self.steps = int(state["steps"])

    def _params(self) -> list[Parameter]:
        return [p for group in self.param_groups for p in group["params"]]

    def _slot(self, params: list[Parameter], name: str) -> tuple[list[FloatArray], list[bool]]:
        """Return each parameter's array, and whether it is new."""
        new = [name not in self._state.get(p, {}) for p in params]
        arrays = [
            self._state.setdefault(p, {}).setdefault(name, np.zeros_like(p.data))
            if is_new
            else self._state[p][name]
            for p, is_new in zip(params, new, strict=True)
        ]
        return arrays, new

    def __repr__(self) -> str:
        lines = [
            f"  {len(group['params'])} parameters: "
            + ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            for group in self.param_groups
        ]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def rate(group: dict[str, Any], step: int) -> float:
    """Return a group's learning rate at a step."""
    lr = group["lr"]
    return float(lr(step) if callable(lr) else lr)


def clip(params: list[Parameter], group: dict[str, Any]) -> None:
    """Scale the gradients of a group's parameters to its clip_norm."""
    if group["clip_norm"] is not None:
        ops.clip_grad_norm([p.writable_grad() for p in params], group["clip_norm"])


def by_decay(
    params: list[Parameter], group: dict[str, Any]
) -> list[tuple[list[Parameter], dict[str, float]]]:
    """Split off the parameters that are not to decay; each part comes with its penalties."""
    penalties = {"weight_decay": group["weight_decay"], "l1": group["l1"]}
    if not any(penalties.values()):
        return [(params, penalties)]
    return [
        ([p for p in params if p.decay], penalties),
        ([p for p in params if not p.decay], dict.fromkeys(penalties, 0.0)),
    ]


def _make_groups(
    function: str, params: Parameters, options: dict[str, Any]
) -> list[dict[str, Any]]:
    items: list[Any] = list(params)
    if not items:
        raise ValueError(f"{function}: params must not be empty.")
    given = items if isinstance(items[0], Mapping) else [{"params": items}]
    groups = []
    known: set[Parameter] = set()
    for group in given:
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(
                f"{function}: params must be parameters, or dicts with 'params'. Got {group!r}."
            )
        unknown = sorted(set(group) - {"params", *options})
        if unknown:
            raise TypeError(f"{function}: options must be {', '.join(options)}. Got {unknown}.")
        own = group["params"]
        own = [own] if isinstance(own, Parameter) else list(own)
        for p in own:
            if not isinstance(p, Parameter):
                raise TypeError(f"{function}: params must be Parameters. Got {type(p).__name__}.")
            if p in known:
                raise ValueError(f"{function}: a parameter must be given once. Got {p} twice.")
            known.add(p)
        groups.append({**options, **group, "params": own})
    return groups
