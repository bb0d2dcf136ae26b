"""What optimizers share: groups, state, the step count, and what surrounds an update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeAlias

import numpy as np

from striate import ops
from striate._typing import FloatArray
from striate.nn import Parameter

from ._plateau import ReduceOnPlateau

Rate: TypeAlias = float | Callable[[int], float]
Parameters: TypeAlias = Iterable[Parameter] | Iterable[Mapping[str, Any]]


_AVERAGE = "average"


class Optimizer:
    """The base class of optimizers.

    **Options of every optimizer**, each of which a group may have for itself:

    - `lr`: a number, or a function from the step (0 at first) to a number; see
      `striate.optim.schedules`.
    - `clip_norm`: the greatest norm of a group's gradients, as in `striate.ops.clip_grad_norm`.
    - `clip_value`: the greatest magnitude of a gradient's elements.
    - `weight_decay`, `l1`: L2 and L1 penalties, together the elastic net; not for parameters with
      `decay=False`, which biases and norm scales have by default.
    - `decoupled`: whether weight_decay is taken off the parameters directly, times lr, instead of
      entering the gradient.
    - `max_norm`: the greatest norm of a unit's incoming weights, as in `striate.ops.max_norm_step`;
      not for parameters with `decay=False` or fewer than two axes.
    - `ema`: how much an exponential moving average of the parameters keeps of itself at each step;
      it starts with a parameter's values after its first step. See `averaged`.

    None stands for no bound and no average. A step takes them in this order: clip the norm, clip
    the values, add L2 and L1, update, with decoupled decay, bound the weights' norms, apply the
    masks of pruned parameters, average. All of it is one pass over the parameters, behind one over
    the gradients where their norm is clipped; `max_norm` and masks take passes of their own. The
    gradients stay as they are.

    Frozen parameters (`trainable=False`) and those without a gradient are skipped, and nothing that
    is kept for them changes: each counts its own steps, and one that is unfrozen late starts with
    its first.

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
        self._new: list[tuple[Parameter, str]] = []  # of the state, in this step
        # An empty step checks the options, with the error that a real one would raise.
        for group in self.param_groups:
            self._change([], group, _grad_norm([], group))

    def step(self) -> None:
        """Change each trainable parameter that has a gradient, in place.

        Raises:
            ValueError: a gradient's norm is to be clipped, and is not finite; no parameter has been
                changed then.
        """
        reached = [
            [p for p in group["params"] if p.trainable and p.grad is not None]
            for group in self.param_groups
        ]
        norms = [
            _grad_norm(params, group)
            for params, group in zip(reached, self.param_groups, strict=True)
        ]
        for params, group, norm in zip(reached, self.param_groups, norms, strict=True):
            self._change(params, group, norm)
        self.steps += 1

    def _change(
        self, params: list[Parameter], group: dict[str, Any], grad_norm: float | None
    ) -> None:
        """Make a group's step."""
        # What comes between the update and the average keeps them apart.
        apart = group["max_norm"] is not None or any(p.mask is not None for p in params)
        lr = rate(group, self.steps)
        for part, penalties in _by_decay(params, group):
            shared = {
                **penalties,
                "decoupled": group["decoupled"],
                "clip_norm": group["clip_norm"],
                "grad_norm": grad_norm,
                "clip_value": group["clip_value"],
            }
            self._new = []
            try:
                if group["ema"] is not None and not apart:
                    averages, new = self._slot(part, _AVERAGE)
                    # An average starts with the parameter's values after its first step.
                    keep = [0.0 if is_new else group["ema"] for is_new in new]
                    shared |= {"averages": averages, "ema": keep}
                self._update(part, group, lr, shared)
            except Exception:
                for p, name in self._new:  # a refused step leaves nothing behind
                    del self._state[p][name]
                raise
        if group["max_norm"] is not None:
            bounded = [p.data for p in params if p.decay and len(p.shape) > 1]
            ops.max_norm_step(bounded, group["max_norm"])
        for p in params:
            p.apply_mask()
            p.version += 1
        if group["ema"] is not None and (apart or not params):
            self._average(params, group["ema"])

    def _update(
        self, params: list[Parameter], group: dict[str, Any], lr: float, shared: dict[str, Any]
    ) -> None:
        """Call the step of `ops`; `shared` are the arguments that all of them have."""
        raise NotImplementedError

    def _average(self, params: list[Parameter], decay: float) -> None:
        averages, new = self._slot(params, _AVERAGE)
        for first, keep in ((True, 0.0), (False, decay)):
            pairs = [
                (a, p.data)
                for a, p, is_new in zip(averages, params, new, strict=True)
                if is_new is first
            ]
            ops.ema_step([a for a, _ in pairs], [w for _, w in pairs], decay=keep)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averages in the parameters' place within the block.

        Parameters that have not made a step yet keep their values.

        Raises:
            ValueError: no group has the option `ema`.

        Examples:
            >>> import numpy as np
            >>> from striate import nn, optim
            >>> p = nn.Parameter(np.float32([0.0]))
            >>> opt = optim.SGD([p], lr=1.0, ema=0.5)
            >>> for _ in range(2):
            ...     p.grad = np.float32([-1.0])
            ...     opt.step()
            >>> with opt.averaged():
            ...     p.data
            array([1.5], dtype=float32)
            >>> p.data
            array([2.], dtype=float32)
        """
        if all(group["ema"] is None for group in self.param_groups):
            raise ValueError(
                f"{type(self).__name__}.averaged: a group must have the option ema. Got None."
            )
        trained = {p: p.data for p in self._params() if _AVERAGE in self._state.get(p, {})}
        try:
            for p in trained:
                p.data = self._state[p][_AVERAGE]
            yield
        finally:
            for p, array in trained.items():
                p.adopt(array)

    def zero_grad(self) -> None:
        """Set every gradient to None."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of what a resumed run needs: "steps", and arrays such as "0.velocity".

        The number is that of the parameter, counted through the groups. Options are not in it:
        they are the program's. Of a schedule that has a state, `ReduceOnPlateau`, that is under
        "lr.0.", with the number of the group.
        """
        state: dict[str, Any] = {"steps": self.steps}
        for i, schedule in self._told():
            for name, value in schedule.state_dict().items():
                state[f"lr.{i}.{name}"] = value
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
            f"{i}.{slot}": (p, slot)
            for i, p in enumerate(self._params())
            for slot in (*self._slots, _AVERAGE)
        }
        schedules = {f"lr.{i}.{name}" for i, told in self._told() for name in told.state_dict()}
        missing = sorted(key for key in schedules if key not in state)
        if missing:
            raise ValueError(f"{function}: state must have the keys {missing}. Got {list(state)}.")
        loaded: dict[Parameter, dict[str, FloatArray]] = {}
        for key, array in state.items():
            if key == "steps" or key in schedules:
                continue
            if key not in places:
                raise ValueError(f"{function}: state must fit the parameters. Got key {key!r}.")
            p, slot = places[key]
            loaded.setdefault(p, {})[slot] = p.checked(f"{function}: {key}", array)
        for i, schedule in self._told():
            names = schedule.state_dict()
            schedule.load_state_dict({name: state[f"lr.{i}.{name}"] for name in names})
        self._state = loaded
        self.steps = int(state["steps"])

    def _told(self) -> list[tuple[int, ReduceOnPlateau]]:
        """The schedules that have a state, with the numbers of their groups."""
        return [
            (i, group["lr"])
            for i, group in enumerate(self.param_groups)
            if isinstance(group["lr"], ReduceOnPlateau)
        ]

    def _params(self) -> list[Parameter]:
        return [p for group in self.param_groups for p in group["params"]]

    def _slot(
        self, params: list[Parameter], name: str, first: float = 0.0
    ) -> tuple[list[FloatArray], list[bool]]:
        """Return each parameter's array, and whether it is new and so full of `first`."""
        new = [name not in self._state.get(p, {}) for p in params]
        self._new += [(p, name) for p, is_new in zip(params, new, strict=True) if is_new]
        arrays = [
            self._state.setdefault(p, {}).setdefault(name, np.full_like(p.data, first))
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


def _grad_norm(params: list[Parameter], group: dict[str, Any]) -> float | None:
    """Return the norm of a group's gradients, where it is to be clipped."""
    if group["clip_norm"] is None:
        return None
    return ops.clip_grad_norm([p.writable_grad() for p in params], math.inf)


def _by_decay(
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
