from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate.reference._window import Window

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample
from .conv import COUNTS, TOLERANCE, Layer, drawn_layer, flops

_LAYERS: dict[int, list[Layer]] = {
    1: [
        ((2, 3, 7), (3, 4, 3), {}),
        ((1, 1, 1), (1, 1, 1), {}),
        ((2, 4, 9), (4, 3, 4), {"stride": 3, "padding": ((2, 1),), "groups": 2}),
        ((1, 3, 8), (3, 5, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
        ((1, 3, 8), (3, 5, 2), {"stride": 4, "output_padding": (3,)}),  # gaps
        ((1, 8, 11), (8, 1, 3), {"groups": 8, "dilation": 5, "output_padding": 2}),
        ((1, 2, 6), (2, 3, 5), {"padding": "same", "stride": 2}),
        ((0, 3, 9), (3, 4, 3), {"padding": 1}),
        ((2, 0, 9), (0, 4, 3), {"stride": 2}),
        ((4, 48, 331), (48, 20, 5), {"groups": 2, "padding": 2, "stride": 2}),
    ],
    2: [
        ((2, 3, 7, 8), (3, 4, 3, 3), {}),
        ((1, 1, 1, 1), (1, 1, 1, 1), {}),
        ((2, 3, 4, 5), (3, 5, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
        ((2, 4, 5, 6), (4, 3, 3, 2), {"stride": (2, 3), "padding": ((1, 0), (0, 1)), "groups": 2}),
        ((1, 2, 6, 5), (2, 3, 3, 3), {"dilation": (2, 3), "padding": (1, 2)}),
        ((1, 2, 6, 5), (2, 3, 3, 3), {"dilation": 3, "stride": 2, "output_padding": (2, 1)}),
        ((2, 8, 5, 5), (8, 1, 4, 4), {"groups": 8, "stride": 2, "padding": 1}),  # depthwise
        ((2, 16, 7, 5), (16, 24, 1, 1), {}),  # pointwise
        ((2, 5, 4, 3), (5, 7, 1, 2), {"stride": 3, "output_padding": 1}),  # gaps
        ((1, 3, 5, 6), (3, 4, 4, 3), {"padding": "same", "stride": (2, 1)}),
        ((1, 3, 5, 6), (3, 4, 1, 2), {"padding": "same", "stride": 3}),
        ((1, 2, 4, 4), (2, 3, 5, 5), {"padding": 3}),  # taps that meet no output
        ((1, 67, 5, 7), (67, 71, 3, 3), {"padding": 1}),
        ((1, 37, 9, 8), (37, 41, 3, 3), {"padding": 1}),
        ((0, 3, 5, 5), (3, 4, 3, 3), {"padding": 1}),
        ((2, 0, 5, 5), (0, 4, 3, 3), {}),
        ((4, 24, 29, 31), (24, 10, 4, 4), {"groups": 2, "padding": 1, "stride": 2}),
    ],
    3: [
        ((2, 3, 4, 3, 5), (3, 4, 2, 3, 3), {}),
        ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), {}),
        (
            (1, 4, 3, 4, 3),
            (4, 3, 3, 2, 3),
            {"groups": 2, "stride": (1, 2, 3), "padding": (1, 0, 1), "output_padding": (0, 1, 2)},
        ),
        ((1, 2, 4, 3, 5), (2, 3, 2, 3, 2), {"dilation": (3, 1, 2), "padding": "same"}),
        ((1, 6, 3, 4, 2), (6, 1, 3, 3, 3), {"groups": 6, "padding": 1, "stride": 2}),
        ((0, 3, 3, 3, 3), (3, 4, 3, 3, 3), {"padding": 1}),
        ((2, 12, 9, 19, 17), (12, 4, 2, 2, 2), {"groups": 2, "stride": 2}),
    ],
}

# DCGAN and the U-Nets as their papers have them; HiFi-GAN's first upsampling.
_NETWORKS: dict[int, list[tuple[str, int, Layer]]] = {
    1: [("hifigan.up1", 4, ((512, 128), (512, 256, 16), {"stride": 8, "padding": 4}))],
    2: [
        ("dcgan.conv2", 16, ((512, 8, 8), (512, 256, 4, 4), {"stride": 2, "padding": 1})),
        ("dcgan.conv4", 16, ((128, 32, 32), (128, 3, 4, 4), {"stride": 2, "padding": 1})),
        ("unet.up4", 1, ((128, 196, 196), (128, 64, 2, 2), {"stride": 2})),
    ],
    3: [("unet3d.up2", 1, ((256, 16, 16, 16), (256, 256, 2, 2, 2), {"stride": 2}))],
}


def _y_shape(x_shape: tuple[int, ...], w_shape: tuple[int, ...], o: Arguments) -> tuple[int, ...]:
    defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    options = (o.get(name, default) for name, default in defaults.items())
    window = Window.transposed("conv_transpose", x_shape[2:], w_shape[2:], *options)
    return (x_shape[0], w_shape[1] * o.get("groups", 1), *window.size)


def _family(rank: int) -> list[Op]:
    """Return the entries of conv_transpose1d, conv_transpose2d or conv_transpose3d."""
    name = f"conv_transpose{rank}d"
    function, input_grad, weight_grad = (
        getattr(ops, name + suffix) for suffix in ("", "_input_grad", "_weight_grad")
    )

    def call(rng: np.random.Generator, layer: Layer, first: str, second: str) -> Sample:
        """Return a sample with these two arrays; of a gradient, with the third one's shape."""
        x_shape, w_shape, options = layer
        shapes = {"x": x_shape, "w": w_shape, "dy": _y_shape(x_shape, w_shape, options)}
        arrays = (rng.standard_normal(shapes.pop(first)), rng.standard_normal(shapes.pop(second)))
        shapes.pop("dy", None)
        return Sample((*arrays, *shapes.values()), options)

    def forward_samples(rng: np.random.Generator) -> Iterator[Sample]:
        for layer in _LAYERS[rank]:
            sample = call(rng, layer, "x", "w")
            yield sample
            channels = layer[1][1] * layer[2].get("groups", 1)
            yield Sample((*sample.args, rng.standard_normal(channels)), layer[2])

    def grad_samples(second: str) -> Any:
        return lambda rng: (call(rng, layer, "dy", second) for layer in _LAYERS[rank])

    def smooth_call(draw: Draw) -> Sample:
        x_shape, w_shape, options = drawn_layer(rank, draw, transposed=True)
        if options["padding"] != "same":
            # Less padding than the windows have: it is taken off the result.
            reach = [d * (k - 1) for d, k in zip(options["dilation"], w_shape[2:], strict=True)]
            options["padding"] = tuple((draw.integer(0, r), 0) for r in reach)
            most = [max(*pair) for pair in zip(options["stride"], options["dilation"], strict=True)]
            options["output_padding"] = tuple(draw.integer(0, m - 1) for m in most)
        channels = w_shape[1] * options["groups"]
        arrays = (draw.normal(shape) for shape in (x_shape, w_shape, (channels,)))
        return Sample(tuple(arrays), options)

    def cases(first: str, second: str) -> tuple[Case, ...]:
        def case(name: str, default_batch: int, layer: Layer) -> Case:
            def sample(rng: np.random.Generator, batch: int) -> Sample:
                return call(rng, ((batch, *layer[0]), *layer[1:]), first, second)

            return Case(name, default_batch, sample)

        return tuple(case(*network) for network in _NETWORKS[rank])

    def geometry(a: Arguments) -> dict[str, Any]:
        names = ("stride", "padding", "output_padding", "dilation", "groups")
        return {name: a[name] for name in names}

    return [
        Op(
            function,
            getattr(reference, name),
            forward_samples,
            TOLERANCE,
            Bench(cases("x", "w"), "flops", lambda a: flops(a["x"].shape, a["w"].shape), COUNTS),
            gradient={
                "x": lambda a, dy: input_grad(dy, a["w"], a["x"].shape, **geometry(a)),
                "w": lambda a, dy: weight_grad(dy, a["x"], a["w"].shape, **geometry(a)),
                "b": lambda a, dy: ops.bias_grad(dy),
            },
            smooth_call=smooth_call,
        ),
        Op(
            input_grad,
            getattr(reference, f"{name}_input_grad"),
            grad_samples("w"),
            TOLERANCE,
            Bench(cases("dy", "w"), "flops", lambda a: flops(a["x_shape"], a["w"].shape), COUNTS),
            gradient_of=name,
        ),
        Op(
            weight_grad,
            getattr(reference, f"{name}_weight_grad"),
            grad_samples("x"),
            TOLERANCE,
            Bench(cases("dy", "x"), "flops", lambda a: flops(a["x"].shape, a["w_shape"]), COUNTS),
            gradient_of=name,
        ),
    ]


OPS = [*_family(2), *_family(1), *_family(3)]
