"""Parameters, and where their initial values and their gradients come from and go."""

from __future__ import annotations

import math
import threading
from collections.abc import MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate import _backend, ops
from striate._typing import FloatArray
from striate.init import Fans, Initializer, RngLike, Stream

from ._tensor import own_copy


class Seed:
    """What random numbers are drawn from: a given seed, combined with a dotted path.

    Containers write the path, and offer their own seed to those who were given none. Without any,
    the seed is 0.
    """

    def __init__(self, rng: RngLike | None = None) -> None:
        self.path = ""
        self._given = None if rng is None else Stream.of(rng)

    def offer(self, rng: Stream) -> None:
        """Take a container's seed, unless there is one already."""
        if self._given is None:
            self._given = rng

    def replace(self, rng: Stream) -> None:
        """Take another seed."""
        self._given = rng

    def stream(self) -> Stream:
        """Return a new stream, always the same for one seed and path."""
        return (self._given or Stream(0)).fold_in(self.path)


class Route(NamedTuple):
    """Where the gradients of the running pullback go."""

    wanted: bool = True
    grads: MutableMapping[Parameter, FloatArray] | None = None


_TO_GRAD = Route()
route: ContextVar[Route] = ContextVar("striate.nn.route", default=_TO_GRAD)


class _Draw(NamedTuple):
    init: Initializer
    fans: Fans
    dtype: np.dtype[Any]


# Reentrant, so that an initializer may read another parameter.
_drawing = threading.RLock()


class Parameter:
    """An array that training changes, and its gradient.

    A parameter made of an array keeps a copy of it. One made by `from_init` is drawn when its data
    are first read, from its seed and the dotted path that it then has; from then on it changes only
    when something is written to it.

    Args:
        data: float32 or float64.
        decay: whether weight decay applies to it.
        trainable: whether pullbacks compute its gradient and optimizers change it.

    Attributes:
        device: where the data are; see `Module.to`.
        data: the array; assigning copies. Writing into it instead is possible, but pullbacks
            cannot notice that.
        grad: its gradient, or None until the first one is written.
        mask: zeros where the data are held at 0 and ones elsewhere, or None; see `striate.prune`.
        version: rises whenever a step, a load or an assignment changes the data.

    Raises:
        TypeError: for data of another dtype.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> p = nn.Parameter(np.ones((2, 3), np.float32))
        >>> p
        Parameter(shape=(2, 3), dtype=float32)
        >>> p.data = np.zeros((2, 3), np.float32)
        >>> p.version
        1
    """

    def __init__(self, data: npt.ArrayLike, *, decay: bool = True, trainable: bool = True) -> None:
        array = own_copy("Parameter", data)
        self._set_up(array.shape, array.dtype, decay, trainable, array=array)

    @classmethod
    def from_init(
        cls,
        init: Initializer,
        shape: Sequence[int],
        fans: Fans,
        *,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
        decay: bool = True,
        trainable: bool = True,
    ) -> Parameter:
        """Make a parameter whose data `init` draws; the arguments are what `init` is told.

        Examples:
            >>> from striate import init, nn
            >>> p = nn.Parameter.from_init(init.ones(), (2,), init.Fans(2, 1))
            >>> p.data
            array([1., 1.], dtype=float32)
        """
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float64):
            raise TypeError(f"Parameter: dtype must be float32 or float64. Got {kind}.")
        self = cls.__new__(cls)
        draw = _Draw(init, fans, kind)
        self._set_up(tuple(shape), kind, decay, trainable, rng=rng, draw=draw)
        return self

    def _set_up(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        decay: bool,
        trainable: bool,
        *,
        array: FloatArray | None = None,
        rng: RngLike | None = None,
        draw: _Draw | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.decay = decay
        self.trainable = trainable
        self.version = 0
        self.device = "cpu"
        self.seed = Seed(rng)
        self._draw = draw
        self._mask: FloatArray | None = None
        self._array = array
        self._grad: FloatArray | None = None
        # Whether no one else can hold the gradient's array, so that it may be written to.
        self._owns_grad = False

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def data(self) -> FloatArray:
        # Inference may be the first reader, and from several threads.
        array = self._array
        if array is None:
            with _drawing:
                array = self._array
                if array is None:
                    array = self._array = self._drawn()
        return array

    @data.setter
    def data(self, array: npt.ArrayLike) -> None:
        self.adopt(self.checked("Parameter.data", array))

    def adopt(self, array: FloatArray) -> None:
        """Take what `checked` has returned for the data."""
        self._array = array
        self.apply_mask()
        self.version += 1

    @property
    def mask(self) -> FloatArray | None:
        return self._mask

    @mask.setter
    def mask(self, mask: npt.ArrayLike | None) -> None:
        self._mask = None if mask is None else self.checked("Parameter.mask", mask)
        if mask is not None:
            self.adopt(self.data)

    def apply_mask(self) -> None:
        """Set what the mask holds at 0 to 0, after a change of the data."""
        if self._mask is not None and self._array is not None:
            self._array = ops.mul(self._array, self._mask)

    def checked(self, function: str, array: npt.ArrayLike) -> FloatArray:
        """Return a copy that fits this parameter's shape and dtype, or raise."""
        self._check_shape(function, np.shape(array))
        return self._here(own_copy(function, array, self.dtype))

    def _check_shape(self, function: str, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            raise ValueError(f"{function}: shape must be {self.shape}. Got {shape}.")

    def _drawn(self) -> FloatArray:
        draw = self._draw
        assert draw is not None  # without data there is a way to draw them
        array = draw.init(self.shape, draw.fans, self.seed.stream(), draw.dtype)
        self._check_shape(f"{draw.init}", array.shape)
        # The copy is for initializers that return an array of somebody else's.
        own = own_copy(f"{draw.init}", array, draw.dtype).astype(self.dtype, copy=False)
        return self._here(own)

    def _here(self, array: FloatArray) -> FloatArray:
        moved: FloatArray = _backend.move(array, self.device)
        return moved

    @property
    def grad(self) -> FloatArray | None:
        return self._grad

    @grad.setter
    def grad(self, grad: FloatArray | None) -> None:
        if grad is not None:
            self._check_grad("Parameter.grad", grad)
        self._grad = grad
        self._owns_grad = False

    @property
    def needs_grad(self) -> bool:
        """Whether a gradient added now goes anywhere; if not, it need not be computed."""
        return self.trainable and route.get().wanted

    def add_grad(self, grad: FloatArray) -> None:
        """Add to the gradient; for a layer's pullback.

        It goes to `.grad`, into the dict, or nowhere, as the caller of the pullback asked.

        Args:
            grad: of the parameter's shape and dtype. It may be kept; it is never written to.

        Raises:
            ValueError: if the shape or dtype differs.
        """
        if not self.needs_grad:
            return
        self._check_grad("Parameter.add_grad", grad)
        grads = route.get().grads
        if grads is not None:
            grads[self] = ops.add(grads[self], grad) if self in grads else grad
        elif self._grad is None:
            self._grad, self._owns_grad = grad, False
        else:
            self._grad, self._owns_grad = ops.add(self._grad, grad), True

    def writable_grad(self) -> FloatArray | None:
        """Return the gradient as an array that nobody else holds, for changing it in place."""
        if self._grad is not None and not self._owns_grad:
            self._grad, self._owns_grad = own_copy("Parameter.grad", self._grad), True
        return self._grad

    def _check_grad(self, function: str, grad: FloatArray) -> None:
        self._check_shape(function, grad.shape)
        if grad.dtype != self.dtype:
            raise ValueError(f"{function}: dtype must be {self.dtype}. Got {grad.dtype}.")

    def astype(self, dtype: npt.DTypeLike) -> Parameter:
        """Convert data and gradient, in place, and return the parameter."""
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float64):
            raise TypeError(f"astype: dtype must be float32 or float64. Got {kind}.")
        if kind != self.dtype:
            self.dtype = kind
            if self._array is not None:
                self._array = self._array.astype(kind)
            if self._mask is not None:
                self._mask = self._mask.astype(kind)
            if self._grad is not None:
                self.grad = self._grad.astype(kind)
            self.version += 1
        return self

    def to(self, device: str) -> Parameter:
        """Move data, gradient and mask, in place, and return the parameter."""
        if device != self.device:
            self.device = device
            if self._array is not None:
                self._array = self._here(self._array)
            if self._mask is not None:
                self._mask = self._here(self._mask)
            if self._grad is not None:
                self.grad = self._here(self._grad)
            self.version += 1
        return self

    def reset(self) -> None:
        """Go back to the initial value and drop the gradient; one made of an array stays."""
        if self._draw is None:
            return
        self._array = self._grad = self._mask = None
        self.version += 1

    def __getstate__(self) -> dict[str, Any]:
        # A copy has the original's values, wherever it is put.
        _ = self.data
        return self.__dict__.copy()

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.dtype})"
