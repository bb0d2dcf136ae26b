from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray
from striate.reference._window import Window

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

TOLERANCE = Tolerance(2e-6, 1e-14, "sums of products, added in another order")

# x.shape, w.shape, options
Layer = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]
_LAYERS: dict[int, list[Layer]] = {
    1: [
        ((2, 3, 19), (4, 3, 3), {}),
        ((1, 1, 1), (1, 1, 1), {}),
        ((2, 4, 23), (6, 2, 4), {"stride": 3, "padding": ((2, 1),), "groups": 2}),
        ((1, 8, 40), (8, 1, 3), {"groups": 8, "dilation": 5, "padding": "same"}),  # depthwise
        ((2, 5, 31), (7, 5, 2), {"dilation": (8,), "stride": 2}),
        ((1, 2, 5), (3, 2, 2), {"stride": 4, "padding": 6}),  # windows of padding alone
        ((0, 3, 9), (4, 3, 3), {"padding": 1}),
        ((2, 0, 9), (4, 0, 3), {}),
        ((4, 40, 601), (48, 20, 5), {"groups": 2, "padding": 2}),
    ],
    2: [
        ((2, 3, 7, 8), (4, 3, 3, 3), {}),
        ((1, 1, 1, 1), (1, 1, 1, 1), {}),
        ((2, 3, 8, 6), (5, 3, 3, 3), {"padding": "same"}),
        ((2, 3, 8, 11), (5, 3, 4, 2), {"padding": "same", "stride": (2, 3)}),  # odd padding
        ((2, 4, 9, 11), (6, 4, 3, 2), {"stride": (2, 3), "padding": ((1, 0), (2, 3))}),
        ((1, 2, 11, 10), (3, 2, 3, 3), {"dilation": (2, 3), "padding": (1, 2)}),
        ((2, 6, 10, 9), (9, 2, 3, 3), {"groups": 3, "dilation": 2, "stride": 2, "padding": "same"}),
        ((2, 8, 9, 9), (8, 1, 3, 3), {"groups": 8, "padding": 1}),  # depthwise
        ((1, 3, 7, 7), (6, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
        ((2, 16, 7, 5), (24, 16, 1, 1), {}),  # pointwise
        ((2, 5, 9, 8), (7, 5, 1, 1), {"stride": 2}),  # pixels that no window reads
        ((1, 2, 4, 4), (3, 2, 2, 2), {"padding": 5}),  # windows of padding alone
        ((1, 3, 35, 35), (16, 3, 11, 11), {"stride": 4}),
        ((3, 2, 1, 30), (5, 2, 1, 7), {"padding": "valid"}),
        ((1, 3, 6, 131), (5, 3, 3, 3), {"padding": 1}),
        ((1, 2, 13, 17), (3, 2, 5, 3), {"stride": (7, 5), "padding": 2}),  # stride above the kernel
        ((1, 67, 5, 7), (71, 67, 3, 3), {"padding": 1}),
        ((1, 301, 4, 4), (37, 301, 3, 3), {"padding": 1}),  # longer than a block of the sum
        ((0, 3, 5, 5), (4, 3, 3, 3), {"padding": 1}),
        ((2, 0, 5, 5), (4, 0, 3, 3), {}),
        ((4, 20, 29, 31), (24, 10, 3, 3), {"groups": 2, "padding": 1}),
    ],
    3: [
        ((2, 3, 4, 5, 6), (4, 3, 2, 3, 3), {}),
        ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), {}),
        (
            (1, 4, 5, 6, 7),
            (6, 2, 3, 2, 3),
            {"groups": 2, "stride": (1, 2, 3), "padding": ((1, 0), (0, 2), (2, 1))},
        ),
        ((2, 2, 7, 5, 9), (3, 2, 2, 3, 2), {"dilation": (3, 1, 2), "padding": "same"}),
        ((1, 6, 4, 5, 5), (6, 1, 3, 3, 3), {"groups": 6, "padding": 1, "stride": 2}),  # depthwise
        ((1, 16, 3, 4, 5), (24, 16, 1, 1, 1), {"stride": (2, 1, 2)}),
        ((0, 3, 3, 3, 3), (4, 3, 3, 3, 3), {"padding": 1}),
        ((2, 8, 9, 31, 29), (12, 4, 3, 3, 3), {"groups": 2, "padding": 1}),
    ],
}


def _y_shape(x_shape: tuple[int, ...], w_shape: tuple[int, ...], o: Arguments) -> tuple[int, ...]:
    stride, padding, dilation = o.get("stride", 1), o.get("padding", 0), o.get("dilation", 1)
    window = Window.of("conv", x_shape[2:], w_shape[2:], stride, padding, dilation)
    return (x_shape[0], w_shape[0], *window.out)


def _with_y(rng: np.random.Generator, sample: Sample) -> Iterator[Sample]:
    """The sample, and the same behind a fused ReLU."""
    yield sample
    y = np.maximum(rng.standard_normal(sample.args[0].shape), 0)
    yield Sample(sample.args, {**sample.kwargs, "y": y})


def drawn_layer(rank: int, draw: Draw, *, transposed: bool = False) -> Layer:
    """Any layer; a transposed one's weights are (C_in, C_out / groups, ...)."""
    size, options = draw.window(rank, dilated=True)
    groups = options["groups"] = draw.integer(1, 3)
    own, others = groups * draw.integer(1, 3), draw.integer(1, 3)
    channels = own if transposed else groups * others
    return (
        (draw.integer(1, 3), channels, *size),
        (own, others, *options.pop("kernel_size")),
        options,
    )


def _bias_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [
        ((2, 3, 4, 5), 1),
        ((5, 11), -1),
        ((3, 4, 5), 0),
        ((2, 3, 17), -1),
        ((0, 3, 4), 1),
        ((3, 0, 4), 1),
        ((1, 1, 1, 1), 1),
        ((513, 33), 1),
        ((16, 24, 27, 29), 1),
    ]:
        yield from _with_y(rng, Sample((rng.standard_normal(shape),), {"axis": axis}))


# AlexNet is that of 2012, in two groups; M5 is of "Very deep convolutional neural networks for raw
# waveforms", C3D of "Learning spatiotemporal features", R3D has torchvision's stem.
_NETWORKS: dict[int, list[tuple[str, int, Layer]]] = {
    1: [
        ("wavenet.layer", 4, ((64, 4000), (128, 64, 2), {"dilation": 16})),
        ("m5.conv2", 32, ((128, 499), (128, 128, 3), {"padding": 1})),
        ("m5.conv1", 32, ((1, 8000), (128, 1, 80), {"stride": 4})),
    ],
    2: [
        ("alexnet.conv1", 32, ((3, 227, 227), (96, 3, 11, 11), {"stride": 4})),
        ("alexnet.conv2", 32, ((96, 27, 27), (256, 48, 5, 5), {"padding": 2, "groups": 2})),
        ("alexnet.conv3", 32, ((256, 13, 13), (384, 256, 3, 3), {"padding": 1})),
        ("alexnet.conv4", 32, ((384, 13, 13), (384, 192, 3, 3), {"padding": 1, "groups": 2})),
        ("alexnet.conv5", 32, ((384, 13, 13), (256, 192, 3, 3), {"padding": 1, "groups": 2})),
        ("vgg.conv3_2", 4, ((256, 56, 56), (256, 256, 3, 3), {"padding": 1})),
        ("resnet50.conv3_down", 8, ((256, 56, 56), (512, 256, 1, 1), {"stride": 2})),
        ("resnet18.conv3_1", 8, ((64, 56, 56), (128, 64, 3, 3), {"stride": 2, "padding": 1})),
    ],
    3: [
        ("c3d.conv2", 1, ((64, 16, 56, 56), (128, 64, 3, 3, 3), {"padding": 1})),
        ("c3d.conv4b", 1, ((512, 4, 14, 14), (512, 512, 3, 3, 3), {"padding": 1})),
        (
            "r3d.stem",
            1,
            ((3, 8, 112, 112), (64, 3, 3, 7, 7), {"stride": (1, 2, 2), "padding": (1, 3, 3)}),
        ),
    ],
}


def flops(positions: tuple[int, ...], w_shape: tuple[int, ...]) -> float:
    """Of `positions`, the shape of the side with w_shape[0] channels."""
    return 2.0 * float(np.prod(positions)) * float(np.prod(w_shape[1:]))


COUNTS = "a multiplication and an addition for each output and each tap, the padding's included"


def _family(rank: int) -> list[Op]:
    """Return the entries of conv1d, conv2d or conv3d."""
    name = f"conv{rank}d"
    function, input_grad, weight_grad = (
        getattr(ops, name + suffix) for suffix in ("", "_input_grad", "_weight_grad")
    )

    def forward_samples(rng: np.random.Generator) -> Iterator[Sample]:
        for x_shape, w_shape, options in _LAYERS[rank]:
            x, w, b = (rng.standard_normal(s) for s in (x_shape, w_shape, w_shape[:1]))
            yield Sample((x, w), options)
            yield Sample((x, w, b), {**options, "activation": "relu"})

    def input_grad_samples(rng: np.random.Generator) -> Iterator[Sample]:
        for x_shape, w_shape, options in _LAYERS[rank]:
            dy = rng.standard_normal(_y_shape(x_shape, w_shape, options))
            yield from _with_y(rng, Sample((dy, rng.standard_normal(w_shape), x_shape), options))

    def weight_grad_samples(rng: np.random.Generator) -> Iterator[Sample]:
        for x_shape, w_shape, options in _LAYERS[rank]:
            dy = rng.standard_normal(_y_shape(x_shape, w_shape, options))
            yield from _with_y(rng, Sample((dy, rng.standard_normal(x_shape), w_shape), options))

    def smooth_call(draw: Draw) -> Sample:
        x_shape, w_shape, options = drawn_layer(rank, draw)
        arrays = [draw.normal(shape) for shape in (x_shape, w_shape, w_shape[:1])]
        activation = draw.relu_of(function(*arrays, **options))
        return Sample(tuple(arrays), {**options, "activation": activation})

    def cases(first: str, second: str, shape_of: str | None = None) -> tuple[Case, ...]:
        """One case for each layer: its arrays called `first` and `second`, the shape of a third."""

        def case(name: str, default_batch: int, layer: Layer) -> Case:
            def sample(rng: np.random.Generator, batch: int) -> Sample:
                x_shape, w_shape, options = (batch, *layer[0]), layer[1], layer[2]
                shapes = {"x": x_shape, "w": w_shape, "dy": _y_shape(x_shape, w_shape, options)}
                arrays = (rng.standard_normal(shapes[first]), rng.standard_normal(shapes[second]))
                return Sample(arrays if shape_of is None else (*arrays, shapes[shape_of]), options)

            return Case(name, default_batch, sample)

        return tuple(case(*network) for network in _NETWORKS[rank])

    def geometry(a: Arguments) -> dict[str, Any]:
        return {name: a[name] for name in ("stride", "padding", "dilation", "groups")}

    def fused(a: Arguments) -> FloatArray | None:
        return function(**a) if a["activation"] else None

    return [
        Op(
            function,
            getattr(reference, name),
            forward_samples,
            TOLERANCE,
            Bench(
                cases("x", "w"),
                "flops",
                lambda a: flops(_y_shape(a["x"].shape, a["w"].shape, a), a["w"].shape),
                COUNTS,
            ),
            gradient={
                "x": lambda a, dy: input_grad(dy, a["w"], a["x"].shape, **geometry(a), y=fused(a)),
                "w": lambda a, dy: weight_grad(dy, a["x"], a["w"].shape, **geometry(a), y=fused(a)),
                "b": lambda a, dy: ops.bias_grad(dy, y=fused(a)),
            },
            smooth_call=smooth_call,
        ),
        Op(
            input_grad,
            getattr(reference, f"{name}_input_grad"),
            input_grad_samples,
            TOLERANCE,
            Bench(
                cases("dy", "w", "x"),
                "flops",
                lambda a: flops(a["dy"].shape, a["w"].shape),
                COUNTS,
            ),
            gradient_of=name,
        ),
        Op(
            weight_grad,
            getattr(reference, f"{name}_weight_grad"),
            weight_grad_samples,
            TOLERANCE,
            Bench(
                cases("dy", "x", "w"),
                "flops",
                lambda a: flops(a["dy"].shape, a["w_shape"]),
                COUNTS,
            ),
            gradient_of=name,
        ),
    ]


OPS = [
    *_family(2),
    Op(
        ops.bias_grad,
        reference.bias_grad,
        _bias_grad,
        TOLERANCE,
        Bench(
            (
                Case(
                    "alexnet.conv1",
                    32,
                    lambda rng, batch: Sample((rng.standard_normal((batch, 96, 55, 55)),)),
                ),
            ),
            "bytes",
            lambda a: nbytes(a["dy"], a["y"]),
            "dy read, and y where it is given",
        ),
        gradient_of="conv2d",
    ),
    *_family(1),
    *_family(3),
]
