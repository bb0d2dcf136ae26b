"""Greedy layer-wise pre-training as denoising autoencoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from striate import ops
from striate._typing import FloatArray

from ._stream import RngLike, Stream

if TYPE_CHECKING:
    from striate.nn import Module, Sequential


class AutoencoderStep(NamedTuple):
    """One layer: the mean squared error of its reconstruction, before and after its training."""

    path: str
    before: float
    after: float


def autoencoder(
    net: Sequential,
    data: FloatArray,
    *,
    epochs: int = 10,
    noise: float = 0.25,
    lr: float = 1e-3,
    batch_size: int = 64,
    rng: RngLike = 0,
) -> list[AutoencoderStep]:
    """Pre-train convolutional and linear layers, one after another, to undo noise in their inputs.

    Each layer, with the activation that follows it, encodes its input, of which a part `noise` of
    the elements is set to zero; a decoder with the same weights, transposed, and a bias of its own
    reconstructs the clean input from that. Adam minimises the mean squared error. Then the decoder
    is dropped, and the next layer learns on what the net so far returns. No labels are needed.

    Args:
        net: layers in sequence; changed in place. `Linear`, `Conv1d`, `Conv2d`, `Conv3d` and the
            transposed convolutions are trained, but for the last of them, which is the
            classifier's; all other layers are left as they are.
        data: inputs of the net, (N, ...).
        epochs: how often each layer sees the data.
        noise: the part of the inputs that is set to zero, in [0, 1).
        lr: Adam's learning rate.
        batch_size: samples per step.
        rng: what order and noise are drawn from.

    Returns:
        One row for each layer that was trained.

    Raises:
        TypeError: net is no Sequential.
        ValueError: an option is out of range, or there is no layer to train.

    References:
        Vincent et al., Stacked Denoising Autoencoders (2010), sections 3 and 4; for convolutions
        Masci et al., Stacked Convolutional Auto-Encoders (2011).

    Examples:
        >>> from striate import init, nn
        >>> net = nn.Sequential(nn.Linear(16, 8, activation="relu"), nn.Linear(8, 3), rng=0)
        >>> x = init.Stream(0).uniform((256, 2)).repeat(8, axis=1)
        >>> [row] = init.autoencoder(net, x, lr=0.01)
        >>> row.path, row.after < row.before / 2
        ('0', True)
    """
    from striate import nn

    if not isinstance(net, nn.Sequential):
        raise TypeError(f"autoencoder: net must be a Sequential. Got {type(net).__name__}.")
    if not 0 <= noise < 1:
        raise ValueError(f"autoencoder: noise must be in [0, 1). Got noise={noise}.")
    if epochs < 1:
        raise ValueError(f"autoencoder: epochs must be at least 1. Got epochs={epochs}.")
    layers = list(net.children())
    trained = [i for i, (_, layer) in enumerate(layers) if _is_encoder(layer)][:-1]
    if not trained:
        kinds = [type(layer).__name__ for _, layer in layers]
        raise ValueError(
            "autoencoder: net must have two linear or convolutional layers or more (Linear, "
            f"Conv1d/2d/3d, ConvTranspose1d/2d/3d). Got {kinds}."
        )
    stream = Stream.of(rng)
    rows = []
    hidden, done = data, 0
    for i in trained:
        hidden = _inference(net[done:i], hidden, batch_size)
        done = i
        path, layer = layers[i]
        end = i + 1
        while end < len(layers) and _is_activation(layers[end][1]):
            end += 1
        task = _Task(layer, net[i:end], _Decoder(layer), noise, stream.fold_in(path))
        rows.append(AutoencoderStep(path, *task.train(hidden, epochs, lr, batch_size)))
    return rows


class _Decoder:
    """The transposed layer: its gradient by the input, as a forward function, plus a bias."""

    def __init__(self, layer: Any) -> None:
        from striate import init, nn

        self.layer = layer
        weight = layer.weight
        self.linear = isinstance(layer, nn.Linear)
        channels = layer.in_features if self.linear else layer.in_channels
        self.bias = nn.Parameter(
            init.zeros()((channels,), init.Fans(1, 1), 0, weight.dtype), decay=False
        )

    def _op(self, suffix: str) -> Callable[..., Any]:
        """The encoder's own function, or a gradient of it."""
        op: Callable[..., Any] = (
            getattr(ops, f"linear{suffix}") if self.linear else self.layer._op(suffix)
        )
        return op

    def vjp(self, code: FloatArray, x_shape: tuple[int, ...]) -> tuple[FloatArray, Any]:
        weight, w = self.layer.weight, self.layer.weight.data
        geometry = {} if self.linear else self.layer._geometry()
        axis = -1 if self.linear else 1
        # The bias of every place: a linear layer of ones would cost more than this addition.
        places = tuple(1 if i != axis % len(x_shape) else -1 for i in range(len(x_shape)))
        bias = self.bias.data.reshape(places)
        shape = () if self.linear else (x_shape,)
        y = self._op("_input_grad")(code, w, *shape, **geometry)

        def pullback(dy: FloatArray) -> FloatArray:
            self.bias.add_grad(ops.bias_grad(dy, axis=axis))
            shape = () if self.linear else (w.shape,)
            weight.add_grad(self._op("_weight_grad")(code, dy, *shape, **geometry))
            dcode: FloatArray = self._op("")(dy, w, **geometry)
            return dcode

        return y + bias, pullback


class _Task:
    """One layer's training."""

    def __init__(
        self, layer: Any, encoder: Module, decoder: _Decoder, noise: float, rng: Stream
    ) -> None:
        self.layer = layer
        self.encoder = encoder
        self.decoder = decoder
        self.noise = noise
        self.rng = rng

    def train(self, x: FloatArray, epochs: int, lr: float, batch_size: int) -> tuple[float, float]:
        from striate import data, losses, optim

        params = [*self.encoder.parameters(), self.decoder.bias]
        opt = optim.Adam(params, lr=lr)
        loader = data.DataLoader(data.ArrayDataset(x), batch_size, seed=self.rng.seed)
        before = self._error(x, batch_size)
        offset, key = 0, self.rng.fold_in("noise").seed
        for _ in range(epochs):
            for (clean,) in loader:
                # Dropout divides what it keeps by 1 - p; masking noise does not.
                noisy = ops.dropout(clean, self.noise, seed=key, offset=offset)
                noisy *= noisy.dtype.type(1 - self.noise)
                offset += (clean.size + 3) // 4
                code, encode = self.encoder.vjp(noisy, train=False)
                y, decode = self.decoder.vjp(code, clean.shape)
                _, dy = losses.mse(y, clean)
                opt.zero_grad()
                encode(decode(dy), input_grad=False)
                opt.step()
        opt.zero_grad()
        return before, self._error(x, batch_size)

    def _error(self, x: FloatArray, batch_size: int) -> float:
        """The mean squared error of clean inputs' reconstructions."""
        total = 0.0
        for start in range(0, len(x), batch_size):
            clean = x[start : start + batch_size]
            y, _ = self.decoder.vjp(self.encoder(clean), clean.shape)
            total += float(ops.mse_loss(y, clean)[0]) * len(clean)
        return total / len(x)


def _inference(net: Sequential, x: FloatArray, batch_size: int) -> FloatArray:
    import numpy as np

    if not len(net):
        return x
    parts = [net(x[start : start + batch_size]) for start in range(0, len(x), batch_size)]
    return np.concatenate(parts)


def _is_encoder(layer: Module) -> bool:
    from striate import nn
    from striate.nn._conv_base import ConvBase

    return isinstance(layer, nn.Linear | ConvBase)


def _is_activation(layer: Module) -> bool:
    return type(layer).__module__.endswith("activation")
