"""Layers that are wired by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from striate import ops
from striate.init import RngLike, Stream

from ._module import Module
from ._pullback import Pullback, as_tuple


class _Source(NamedTuple):
    """What a node takes: an input's or a node's output; one of several, or all of them."""

    name: str
    place: int | None

    def of(self, values: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
        found = values[self.name]
        if self.place is None:
            return found
        if self.place >= len(found):
            raise ValueError(
                f"Graph: {self.name!r} must have the output {self}. Got {len(found)} outputs."
            )
        return found[self.place : self.place + 1]

    def __str__(self) -> str:
        return self.name if self.place is None else f"{self.name}[{self.place}]"


class Graph(Module):
    """A directed acyclic graph of named layers, with one or several inputs and outputs.

    A node is a layer and the names of what it takes, in the order of the layer's inputs: inputs of
    the graph, or other nodes. Where a layer has several outputs, `"name[0]"` is the first of them,
    and `"name"` stands for all. `Add`, `Multiply` and `Concatenate` join several values.

    One layer may stand at several nodes, and one value may be used several times: gradients add up,
    those of the layer's parameters too. Deep supervision is a graph with several outputs, each with
    a loss of its own. Nodes run in an order that their names and wires decide; nodes from which no
    gradient was asked are left out of a pullback, and what an output with the gradient None reaches
    alone gets none.

    Args:
        inputs: the names of the inputs, in order.
        nodes: a mapping from names to `(layer, name of an input, ...)`.
        outputs: the names of the outputs, in order; several make a tuple.
        rng: the seed of all parameters and masks below that were given none of their own; see
            `Module` on seeds.

    Raises:
        ValueError: for a cycle, an unknown name, a node or an input that leads to no output, and a
            name that is empty, has a dot or a bracket, is taken twice or is an attribute of Graph.
        TypeError: for a node that is not a layer with names.

    References:
        Szegedy et al., Going Deeper with Convolutions (2015), section 5 (auxiliary classifiers).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.Graph(
        ...     inputs=["image"],
        ...     nodes={
        ...         "stem": (nn.Conv2d(3, 8, 3, padding=1, activation="relu"), "image"),
        ...         "body": (nn.Conv2d(8, 8, 3, padding=1), "stem"),
        ...         "sum": (nn.Add("relu"), "stem", "body"),
        ...         "aux": (nn.GlobalAvgPool2d(), "stem"),
        ...         "head": (nn.GlobalAvgPool2d(), "sum"),
        ...     },
        ...     outputs=["head", "aux"],
        ...     rng=0,
        ... )
        >>> (head, aux), pullback = net.vjp(np.ones((2, 3, 6, 6), np.float32))
        >>> head.shape, aux.shape
        ((2, 8, 1, 1), (2, 8, 1, 1))
        >>> pullback(np.ones_like(head), None).shape
        (2, 3, 6, 6)
        >>> list(net.state_dict())
        ['stem.weight', 'stem.bias', 'body.weight', 'body.bias']
    """

    def __init__(
        self,
        inputs: str | Sequence[str],
        nodes: Mapping[str, tuple[Any, ...]],
        outputs: str | Sequence[str],
        *,
        rng: RngLike | None = None,
    ) -> None:
        self._inputs = (inputs,) if isinstance(inputs, str) else tuple(inputs)
        wires: dict[str, tuple[_Source, ...]] = {}
        layers: dict[str, Module] = {}
        for name, node in nodes.items():
            self._check_name(name, "node")
            layers[name], taken = _node(name, node)
            wires[name] = tuple(_source(text) for text in taken)
        for name in self._inputs:
            self._check_name(name, "input")
            if name in layers or self._inputs.count(name) > 1:
                raise ValueError(f"Graph: a name must be taken once. Got {name!r} twice.")
        self._outputs = tuple(
            _source(text) for text in ((outputs,) if isinstance(outputs, str) else outputs)
        )
        self._wires = wires
        self._check_wires()
        self._order = _sorted(wires)
        self._check_use()
        # Not one by one: the paths of all are written at once.
        vars(self).update(layers)
        self._place()
        if rng is not None:
            self._offer_seed(Stream.of(rng))

    def forward(self, *inputs: Any) -> Any:
        values = self._given(inputs)
        left = self._readers()
        for name in self._order:
            values[name] = as_tuple(getattr(self, name)(*self._taken(name, values)))
            # What nobody will read again is freed before the next layer allocates.
            for source in self._wires[name]:
                left[source.name] -= 1
                if not left[source.name]:
                    del values[source.name]
        return self._result(values)

    def vjp(self, *inputs: Any, train: bool = True) -> tuple[Any, Callable[..., Any]]:
        values = self._given(inputs)
        steps: list[tuple[str, Pullback]] = []
        for name in self._order:
            y, step = getattr(self, name).vjp(*self._taken(name, values), train=train)
            values[name] = as_tuple(y)
            steps.append((name, step))
        result = self._result(values)
        counts = {name: len(found) for name, found in values.items()}
        del values

        def pullback(*dys: Any, input_grad: bool = True) -> Any:
            gradients: dict[str, list[Any]] = {name: [None] * n for name, n in counts.items()}
            _spread(gradients, self._outputs, dys)
            wanted = self._wanted(input_grad)
            while steps:
                # Popped, so that what a layer kept is freed before the next one allocates.
                name, step = steps.pop()
                own = gradients.pop(name)
                needs_input = any(source.name in wanted for source in self._wires[name])
                if name not in wanted or all(dy is None for dy in own):
                    continue
                dxs = step(*own, input_grad=needs_input)
                if needs_input:
                    _spread(gradients, self._wires[name], as_tuple(dxs))
            found = [gradient for name in self._inputs for gradient in gradients[name]]
            return found[0] if len(found) == 1 else tuple(found)

        return result, pullback

    def _given(self, inputs: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
        if len(inputs) != len(self._inputs):
            raise ValueError(
                f"Graph: takes the inputs {', '.join(self._inputs)}. Got {len(inputs)} inputs."
            )
        return {name: (x,) for name, x in zip(self._inputs, inputs, strict=True)}

    def _taken(self, name: str, values: Mapping[str, tuple[Any, ...]]) -> list[Any]:
        return [value for source in self._wires[name] for value in source.of(values)]

    def _result(self, values: Mapping[str, tuple[Any, ...]]) -> Any:
        found = [value for source in self._outputs for value in source.of(values)]
        return found[0] if len(found) == 1 else tuple(found)

    def _readers(self) -> dict[str, int]:
        """How often each value is read, by nodes and as an output."""
        count = dict.fromkeys((*self._inputs, *self._order), 0)
        for sources in (*self._wires.values(), self._outputs):
            for source in sources:
                count[source.name] += 1
        return count

    def _wanted(self, input_grad: bool) -> set[str]:
        """Whose output's gradient is needed: that of nodes with something trainable before them."""
        wanted = set(self._inputs) if input_grad else set()
        for name in self._order:
            if any(source.name in wanted for source in self._wires[name]) or any(
                parameter.needs_grad for parameter in getattr(self, name).parameters()
            ):
                wanted.add(name)
        return wanted

    def _check_name(self, name: object, kind: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"Graph: names must be strings. Got {name!r}.")
        if not name or any(c in name for c in ".[]") or hasattr(type(self), name):
            raise ValueError(
                f"Graph: the name of a {kind} must not be empty, have a dot or a bracket, or be an "
                f"attribute of Graph. Got {name!r}."
            )

    def _check_wires(self) -> None:
        known = {*self._inputs, *self._wires}
        for name, sources in self._wires.items():
            for source in sources:
                if source.name not in known:
                    raise ValueError(
                        f"Graph: node {name!r} must take inputs or nodes. Got {source.name!r}, "
                        f"which is none of {', '.join(sorted(known))}."
                    )
        if not self._outputs:
            raise ValueError("Graph: needs at least one output. Got 0.")
        for source in self._outputs:
            if source.name not in known:
                raise ValueError(
                    f"Graph: outputs must be nodes. Got {source.name!r}, "
                    f"which is none of {', '.join(sorted(known))}."
                )

    def _check_use(self) -> None:
        used = {source.name for source in self._outputs}
        for name in reversed(self._order):
            if name in used:
                used |= {source.name for source in self._wires[name]}
        unused = [name for name in (*self._inputs, *self._order) if name not in used]
        if unused:
            raise ValueError(
                "Graph: every input and every node must lead to an output. "
                f"Got {', '.join(map(repr, unused))}, which {'do' if unused[1:] else 'does'} not."
            )

    def extra_repr(self) -> str:
        wires = [
            f"{name} <- {', '.join(map(str, sources))}" for name, sources in self._wires.items()
        ]
        return "; ".join([*wires, f"outputs {', '.join(map(str, self._outputs))}"])


def _node(name: str, node: object) -> tuple[Module, tuple[Any, ...]]:
    if not isinstance(node, tuple) or len(node) < 2 or not isinstance(node[0], Module):
        raise TypeError(
            f"Graph: node {name!r} must be a tuple of a layer and the names of what it takes. "
            f"Got {type(node).__name__}."
        )
    return node[0], node[1:]


def _source(text: object) -> _Source:
    if not isinstance(text, str):
        raise TypeError(f"Graph: names must be strings. Got {text!r}.")
    name, bracket, rest = text.partition("[")
    if not bracket:
        return _Source(name, None)
    if not rest.endswith("]") or not rest[:-1].isdecimal():
        raise ValueError(f"Graph: one of several outputs is written 'name[0]'. Got {text!r}.")
    return _Source(name, int(rest[:-1]))


def _sorted(wires: Mapping[str, tuple[_Source, ...]]) -> tuple[str, ...]:
    """The nodes, each after what it takes, else as they were given."""
    order: list[str] = []
    done: set[str] = set()
    for start in wires:
        # Depth first, without recursion: graphs may be deep.
        path = [(start, iter(wires[start]))] if start not in done else []
        open_nodes = {start}
        while path:
            name, rest = path[-1]
            source = next((s for s in rest if s.name in wires and s.name not in done), None)
            if source is None:
                path.pop()
                open_nodes.discard(name)
                done.add(name)
                order.append(name)
            elif source.name in open_nodes:
                names = [node for node, _ in path]
                cycle = [*names[names.index(source.name) :], source.name]
                raise ValueError(f"Graph: nodes must not form a cycle. Got {' <- '.join(cycle)}.")
            else:
                open_nodes.add(source.name)
                path.append((source.name, iter(wires[source.name])))
    return tuple(order)


def _spread(
    gradients: dict[str, list[Any]], sources: tuple[_Source, ...], given: tuple[Any, ...]
) -> None:
    """Add the gradients of some values, in order, to those of the outputs that they come from."""
    position = 0
    for name, place in sources:
        own = gradients[name]
        for i in range(len(own)) if place is None else (place,):
            dy, so_far = given[position], own[i]
            position += 1
            if dy is not None:
                own[i] = dy if so_far is None else ops.add(so_far, dy)
