"""The base class of layers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy.typing as npt

from striate import _backend
from striate._typing import FloatArray
from striate.init import Fans, RngLike, Stream

from ._buffer import Buffer
from ._observe import seen, watched
from ._parameter import Parameter, Seed
from ._pullback import Pullback, accepts
from ._summary import Summary, multiply_add_flops, summarize

Self = TypeVar("Self", bound="Module")

# What a mask's key has after its parameter's.
_MASK = "_mask"


class LoadResult(NamedTuple):
    """The keys that a load did not find, and those that it had no use for."""

    missing: list[str]
    unexpected: list[str]


class Module:
    """A layer: a callable with parameters.

    Calling it is inference. `vjp` is training: it returns the output and the `Pullback` that takes
    the output's gradient back. Neither depends on a mode, and nothing is kept in the layer in
    between. Parameters and modules that are assigned as attributes belong to the layer.

    **Your own layer** is a subclass with two methods:

    - `forward(*inputs)` returns the output, or a tuple of several.
    - `vjp(*inputs)` returns the output and a function from the output's gradient (one argument per
      output, None for an output without gradient) to the input's gradient (a tuple if there are
      several inputs). This function hands each parameter's gradient to `parameter.add_grad`,
      which knows whether it goes to `.grad`, into the caller's dict, or nowhere; so do
      the pullbacks of layers that `vjp` has called. Whoever calls `vjp` receives the function
      as a `Pullback`, with its checks and options.

    Three things are optional: a keyword `train` of `vjp`, for a layer that differs between training
    and inference; a keyword `input_grad` of the returned function, to save work when it is False
    (the result is then not looked at); and `parameter.needs_grad`, to save work when nobody wants
    that gradient.

    **Seeds**: parameters are drawn when they are first needed, from their layer's `rng` combined
    with the dotted path that they then have: `features.0.weight` gets other values than
    `features.3.weight`. Nothing that has been drawn, set or loaded is drawn again, except by
    `reset_parameters`. Without any `rng` the seed is 0.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         self.gain = nn.Parameter(np.float32([2.0]))
        ...
        ...     def forward(self, x):
        ...         return x * self.gain.data
        ...
        ...     def vjp(self, x):
        ...         def pullback(dy):
        ...             self.gain.add_grad((dy * x).sum(keepdims=True).reshape(1))
        ...             return dy * self.gain.data
        ...
        ...         return self.forward(x), pullback
        >>> net = nn.Sequential(nn.ReLU(), Scale())
        >>> y, pullback = net.vjp(np.float32([[-1.0, 3.0]]))
        >>> y
        array([[0., 6.]], dtype=float32)
        >>> pullback(np.ones_like(y))
        array([[0., 2.]], dtype=float32)
        >>> net[1].gain.grad
        array([3.], dtype=float32)
    """

    # The dotted path in the container that was assembled last.
    _path = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "vjp" in vars(cls):
            cls.vjp = _returns_pullback(cls.vjp)  # type: ignore[method-assign]

    def __call__(self, *inputs: Any) -> Any:
        """Run inference."""
        y = self.forward(*inputs)
        seen(self, inputs, y)
        return y

    # Both take `**options` only so that type checkers let layers have narrower signatures.

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output, for inference."""
        raise NotImplementedError(f"{type(self).__name__} has no forward().")

    def vjp(self, *inputs: Any, **options: Any) -> tuple[Any, Any]:
        """Compute the output and its pullback (the vector-Jacobian product).

        Args:
            inputs: what calling the layer takes.
            train: a keyword, True by default. False differentiates the inference function instead
                of the training one: dropout is off and running statistics are used.

        Returns:
            (y, pullback); see `Pullback`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no vjp().")

    # -- parts

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layer's own modules by name."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it by dotted path, each one once."""
        known: set[int] = set()
        for path, module in self._paths(""):
            if id(module) not in known:
                known.add(id(module))
                yield path, module

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each one once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self, *, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters by dotted name; a shared one once, or under each of its names."""
        for name, tensor in self._named_tensors(remove_duplicate=remove_duplicate):
            if isinstance(tensor, Parameter):
                yield name, tensor

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters; a shared one once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield the buffers by dotted name; a shared one once."""
        for name, tensor in self._named_tensors():
            if isinstance(tensor, Buffer):
                yield name, tensor

    def _named_tensors(
        self, *, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter | Buffer]]:
        """Yield what a state_dict holds, as `named_parameters` does."""
        known: set[int] = set()
        for path, module in self._paths(""):
            for name, value in vars(module).items():
                if isinstance(value, Parameter | Buffer) and id(value) not in known:
                    if remove_duplicate:
                        known.add(id(value))
                    yield _join(path, name), value

    def _paths(self, path: str) -> Iterator[tuple[str, Module]]:
        yield path, self
        for name, child in self.children():
            yield from child._paths(_join(path, name))

    # -- state

    def state_dict(self) -> dict[str, FloatArray]:
        """Return a copy of each parameter's and buffer's data by dotted name; a shared one once.

        The mask of a pruned parameter follows it, as `weight_mask`.
        """
        state: dict[str, FloatArray] = {}
        for name, tensor in self._named_tensors():
            state[name] = tensor.data.copy()
            mask = _mask_of(tensor)
            if mask is not None:
                state[name + _MASK] = mask.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy arrays into the parameters and buffers of the same names.

        Nothing is written unless everything fits. A shared parameter may be given under any of its
        names, or under several with equal values. Keys named `num_batches_tracked` are ignored.
        A key `weight_mask` prunes the parameter `weight`, whether it was pruned before or not.

        Args:
            state: arrays by dotted name, of each parameter's or buffer's shape and dtype.
            strict: whether missing and unexpected keys are an error.

        Returns:
            (missing, unexpected), lists of keys.

        Raises:
            ValueError: for missing or unexpected keys, another shape, or two values for one.
            TypeError: for another dtype.
        """
        names: dict[Parameter | Buffer, list[str]] = {}
        for name, p in self._named_tensors(remove_duplicate=False):
            names.setdefault(p, []).append(name)
        loaded: dict[Parameter | Buffer, FloatArray] = {}
        masks: dict[Parameter, FloatArray] = {}
        for p, aliases in names.items():
            for name in aliases:
                if isinstance(p, Parameter) and name + _MASK in state:
                    masks[p] = p.checked(f"load_state_dict: {name + _MASK}", state[name + _MASK])
                if name not in state:
                    continue
                array = p.checked(f"load_state_dict: {name}", state[name])
                if p in loaded and array.tobytes() != loaded[p].tobytes():
                    raise ValueError(
                        f"load_state_dict: {', '.join(aliases)} are one shared parameter. "
                        "Got different values."
                    )
                loaded[p] = array

        known = {name for aliases in names.values() for name in aliases}
        known |= {name + _MASK for p in masks for name in names[p]}
        unmasked = [p for p in names if _mask_of(p) is not None and p not in masks]
        result = LoadResult(
            missing=[aliases[0] for p, aliases in names.items() if p not in loaded]
            + [names[p][0] + _MASK for p in unmasked],
            unexpected=[
                key
                for key in state
                if key not in known and key.rpartition(".")[2] != "num_batches_tracked"
            ],
        )
        if strict:
            _refuse("load_state_dict", result)
        for p, array in loaded.items():
            p.adopt(array)
        for parameter, mask in masks.items():
            parameter.mask = mask
        return result

    def train_state(self) -> dict[str, int]:
        """Return what else `vjp` changes, by dotted name: the state of dropout."""
        return {
            _join(path, name): value
            for path, module in self.named_modules()
            for name, value in module.get_extra_state().items()
        }

    def load_train_state(self, state: Mapping[str, int]) -> None:
        """Continue from a `train_state`.

        Raises:
            ValueError: for missing or unexpected keys.
        """
        own = self.train_state()
        _refuse(
            "load_train_state",
            LoadResult(
                [key for key in own if key not in state], [key for key in state if key not in own]
            ),
        )
        for path, module in self.named_modules():
            names = module.get_extra_state()
            if names:
                module.set_extra_state({name: int(state[_join(path, name)]) for name in names})

    def get_extra_state(self) -> dict[str, int]:
        """Return what this layer's own `vjp` changes; for layers of your own that have counters."""
        return {}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Take back what `get_extra_state` returned."""

    def reset_extra_state(self) -> None:
        """Go back to the state before the first `vjp`."""

    # -- changes in place

    def astype(self: Self, dtype: npt.DTypeLike) -> Self:
        """Convert all parameters and buffers to float32 or float64, in place; return the module."""
        for _, tensor in self._named_tensors():
            tensor.astype(dtype)
        return self

    def to(self: Self, device: str) -> Self:
        """Move all parameters and buffers to a device, in place, and return the module.

        Layers then take arrays of that device. Optimizers are made after the move: what they keep
        lies where the parameters are.

        Args:
            device: "cpu", or "cuda" (also "cuda:1"), whose arrays are CuPy's.

        Raises:
            RuntimeError: for "cuda" without a CUDA build, a device or CuPy; it says what to do.
            ValueError: for another device.
        """
        _backend.check_device("to", device)
        for _, tensor in self._named_tensors():
            tensor.to(device)
        return self

    def reset_parameters(self: Self, rng: RngLike | None = None) -> Self:
        """Draw all parameters again, and restart dropout, from `rng` or else the seeds at hand.

        What was set or loaded is lost. Parameters made of an array stay. Returns the module.
        """
        stream = None if rng is None else Stream.of(rng)
        if stream is not None:
            for module in self.modules():
                for _, seed in module._seeds():
                    seed.replace(stream)
        for _, tensor in self._named_tensors():
            tensor.reset()
        for module in self.modules():
            module.reset_extra_state()
        return self

    # -- seeds

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, list | tuple | dict):
            parts = value.values() if isinstance(value, dict) else value
            if any(isinstance(part, Module | Parameter) for part in parts):
                raise TypeError(
                    f"{type(self).__name__}.{name}: modules and parameters in a "
                    f"{type(value).__name__} would not be found. "
                    "Use nn.Sequential, or one attribute for each."
                )
        if isinstance(value, Module) and any(part is self for part in value.modules()):
            raise ValueError(f"{type(self).__name__}.{name}: a module cannot hold itself.")
        super().__setattr__(name, value)
        if isinstance(value, Module | Parameter | Seed):
            self._place()

    def _place(self) -> None:
        """Tell everything below its dotted path."""
        known: set[int] = set()
        for path, module in list(self.named_modules()):
            module._path = _join(self._path, path)
            for name, seed in module._seeds():
                if id(seed) not in known:
                    known.add(id(seed))
                    seed.path = _join(module._path, name)

    def _offer_seed(self, rng: Stream) -> None:
        """Give a seed to everything below that has none of its own."""
        for module in self.modules():
            for _, seed in module._seeds():
                seed.offer(rng)

    def _seeds(self) -> Iterator[tuple[str, Seed]]:
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value.seed
            elif isinstance(value, Seed):
                yield name, value

    # -- information

    def fans(self) -> Fans:
        """Return how many inputs feed one output, and how many outputs one input feeds.

        Raises:
            TypeError: for a layer without a weight of its own.
        """
        raise TypeError(f"{type(self).__name__} has no fans: it has no weight of its own.")

    def flops(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> int:
        """Return the floating-point operations of one call, for `summary`.

        Two for each multiply-add of a convolution or a linear layer, whose fans tell how many there
        are. Other layers, which memory bounds, count as 0.

        Args:
            x_shape: the first input's shape.
            y_shape: the first output's shape.
        """
        try:
            fan_in = self.fans().fan_in
        except TypeError:
            return 0
        return multiply_add_flops(fan_in, y_shape)

    def summary(self, *input_shapes: tuple[int, ...]) -> Summary:
        """Run inference on zeros and return a table of the layers, which prints itself.

        It has each layer's output shape, parameters, flops and activation memory, and their sums.

        Args:
            input_shapes: each input's shape, with the batch.
        """
        return summarize(self, input_shapes)

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of a layer's repr."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"  ({name}): " + repr(child).replace("\n", "\n  ") for name, child in self.children()
        ]
        inner = "\n" + "\n".join(lines) + "\n" if lines else ""
        return f"{type(self).__name__}({self.extra_repr()}{inner})"


def _returns_pullback(write: Callable[..., Any]) -> Callable[..., tuple[Any, Pullback]]:
    """Turn the `vjp` that a layer's author writes into the one that its users call."""
    takes_train = accepts(write, "train")

    @functools.wraps(write)
    def vjp(self: Module, *inputs: Any, train: bool = True) -> tuple[Any, Pullback]:
        y, run = write(self, *inputs, train=train) if takes_train else write(self, *inputs)
        seen(self, inputs, y)
        return y, Pullback(watched(self, run), y, self.named_parameters())

    return vjp


def _mask_of(tensor: Parameter | Buffer) -> FloatArray | None:
    return tensor.mask if isinstance(tensor, Parameter) else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _refuse(function: str, result: LoadResult) -> None:
    if result.missing or result.unexpected:
        raise ValueError(
            f"{function}: keys must match. Got missing {result.missing}, "
            f"unexpected {result.unexpected}."
        )
