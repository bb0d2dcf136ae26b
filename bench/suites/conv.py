"""Convolutions of well-known networks, in classes that ask for different algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import striate
from bench.case import Case, Sides
from bench.suites.ops import cuda_sides, sides_of, tolerance
from striate._registry import OPS, Sample
from striate.ops.packed import pack_conv_weights, packed_conv

DIRECTIONS = {"conv2d": "forward", "conv2d_input_grad": "dx", "conv2d_weight_grad": "dw"}
PACKED = "batch 1 packed"
CLASSES = (
    "3x3 large planes",  # of 28 x 28 and more
    "3x3 small planes",
    "3x3 stride 2",
    "5x5",
    "stem",  # of three channels
    "1x1",
    "depthwise and small groups",
    "batch 1",  # of every kind
    PACKED,  # forward, where packing changes anything; PyTorch's own is conv2d
)


@dataclass(frozen=True)
class Layer:
    """A convolution of square planes and filters."""

    name: str  # the network's, a dot, and what it is there
    batches: tuple[int, ...]  # on the CPU
    channels: int
    size: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        size = (self.size + 2 * self.padding - self.kernel) // self.stride + 1
        return {
            "x": (batch, self.channels, self.size, self.size),
            "w": (self.outputs, self.channels // self.groups, self.kernel, self.kernel),
            "dy": (batch, self.outputs, size, size),
        }

    def options(self) -> dict[str, int]:
        return {"stride": self.stride, "padding": self.padding, "groups": self.groups}

    @property
    def network(self) -> str:
        return self.name.partition(".")[0]

    def kind(self, batch: int) -> str:
        """Name its class."""
        if batch == 1:
            return "batch 1"
        if self.groups > 2:
            return "depthwise and small groups"
        if self.channels == 3:
            return "stem"
        if self.kernel != 3:
            return f"{self.kernel}x{self.kernel}"
        if self.stride == 2:
            return "3x3 stride 2"
        return "3x3 large planes" if self.size >= 28 else "3x3 small planes"


LAYERS = (
    Layer("alexnet.conv1", (1, 16), 3, 227, 96, 11, stride=4),
    Layer("alexnet.conv2", (1, 16), 96, 27, 256, 5, padding=2, groups=2),
    Layer("alexnet.conv3", (1, 8, 16), 256, 13, 384, 3, padding=1),
    Layer("alexnet.conv4", (16,), 384, 13, 384, 3, padding=1, groups=2),
    Layer("alexnet.conv5", (), 384, 13, 256, 3, padding=1, groups=2),
    Layer("alexnet_torchvision.conv2", (4, 16), 64, 27, 192, 5, padding=2),
    Layer("vgg16.conv1_1", (4,), 3, 224, 64, 3, padding=1),
    Layer("vgg16.conv1_2", (1, 4), 64, 224, 64, 3, padding=1),
    Layer("vgg16.conv2_1", (), 64, 112, 128, 3, padding=1),
    Layer("vgg16.conv2_2", (4,), 128, 112, 128, 3, padding=1),
    Layer("vgg16.conv3_1", (4,), 128, 56, 256, 3, padding=1),
    Layer("vgg16.conv3_2", (1, 4), 256, 56, 256, 3, padding=1),
    Layer("vgg16.conv4_1", (), 256, 28, 512, 3, padding=1),
    Layer("vgg16.conv4_2", (1, 4), 512, 28, 512, 3, padding=1),
    Layer("vgg16.conv5_1", (1, 4, 16), 512, 14, 512, 3, padding=1),
    Layer("resnet50.conv1", (1, 8), 3, 224, 64, 7, stride=2, padding=3),
    Layer("resnet50.conv2.first", (), 64, 56, 64, 1),
    Layer("resnet50.conv2.reduce", (8,), 256, 56, 64, 1),
    Layer("resnet50.conv2.3x3", (1, 8), 64, 56, 64, 3, padding=1),
    Layer("resnet50.conv2.expand", (1, 8), 64, 56, 256, 1),
    Layer("resnet50.conv3.first", (), 256, 56, 128, 1),
    Layer("resnet50.conv3.reduce", (), 512, 28, 128, 1),
    Layer("resnet50.conv3.down", (8,), 256, 56, 512, 1, stride=2),
    Layer("resnet50.conv3.3x3s2", (1, 8), 128, 56, 128, 3, stride=2, padding=1),
    Layer("resnet50.conv3.3x3", (8,), 128, 28, 128, 3, padding=1),
    Layer("resnet50.conv3.expand", (8,), 128, 28, 512, 1),
    Layer("resnet50.conv4.first", (), 512, 28, 256, 1),
    Layer("resnet50.conv4.down", (), 512, 28, 1024, 1, stride=2),
    Layer("resnet50.conv4.3x3s2", (8,), 256, 28, 256, 3, stride=2, padding=1),
    Layer("resnet50.conv4.3x3", (1, 8, 16), 256, 14, 256, 3, padding=1),
    Layer("resnet50.conv4.reduce", (8,), 1024, 14, 256, 1),
    Layer("resnet50.conv4.expand", (1, 8), 256, 14, 1024, 1),
    Layer("resnet50.conv5.first", (), 1024, 14, 512, 1),
    Layer("resnet50.conv5.reduce", (), 2048, 7, 512, 1),
    Layer("resnet50.conv5.down", (), 1024, 14, 2048, 1, stride=2),
    Layer("resnet50.conv5.3x3s2", (8,), 512, 14, 512, 3, stride=2, padding=1),
    Layer("resnet50.conv5.3x3", (1, 8, 16), 512, 7, 512, 3, padding=1),
    Layer("resnet50.conv5.expand", (1, 8, 16), 512, 7, 2048, 1),
    Layer("mobilenet.conv1", (16,), 3, 224, 32, 3, stride=2, padding=1),
    Layer("mobilenet.dw1", (16,), 32, 112, 32, 3, padding=1, groups=32),
    Layer("mobilenet.dw2", (16,), 64, 112, 64, 3, stride=2, padding=1, groups=64),
    Layer("mobilenet.pw2", (16,), 64, 56, 128, 1),
    Layer("mobilenet.dw3", (1, 16), 128, 56, 128, 3, padding=1, groups=128),
    Layer("mobilenet.dw7", (1, 16), 512, 14, 512, 3, padding=1, groups=512),
    Layer("mobilenet.pw7", (1, 16), 512, 14, 512, 1),
    Layer("mobilenet.dw13", (16,), 1024, 7, 1024, 3, padding=1, groups=1024),
    Layer("resnext50.conv2", (1, 8), 128, 56, 128, 3, padding=1, groups=32),
    Layer("resnext50.conv3.s2", (8,), 256, 56, 256, 3, stride=2, padding=1, groups=32),
    Layer("resnext50.conv3", (8,), 256, 28, 256, 3, padding=1, groups=32),
    Layer("resnext50.conv4", (1, 8), 512, 14, 512, 3, padding=1, groups=32),
    Layer("resnext50.conv5", (8, 16), 1024, 7, 1024, 3, padding=1, groups=32),
)

# Of these LAYERS has every shape: those that only CUDA is timed with have no batches above.
NETWORKS = ("alexnet", "vgg16", "resnet50")


def cases(quick: bool) -> list[Case]:
    """Return every layer's rows, by class; `quick` takes the smallest batch of each alone."""
    rows = [
        (layer, batch)
        for layer in LAYERS
        for batch in (layer.batches[:1] if quick else layer.batches)
    ]
    rows.sort(key=lambda row: CLASSES.index(row[0].kind(row[1])))
    plain = [_case(op, layer, batch) for layer, batch in rows for op in DIRECTIONS]
    packed = [_case("conv2d", layer, 1, PACKED) for layer, batch in rows if batch == 1]
    return plain + [case for case in packed if case.facts["algorithm"] in _PACKS]


# The algorithms that bring weights into a form of their own.
_PACKS = (
    "implicit GEMM",
    "Winograd",
    "Winograd, small tiles",
    "strided Winograd",
    "polyphase Winograd",
)


def _case(name: str, layer: Layer, batch: int, kind: str | None = None) -> Case:
    op, shapes, options = OPS[name], layer.shapes(batch), layer.options()
    first, second, third = ARGUMENTS[name]
    rest = () if third is None else (shapes[third],)
    kind = kind or layer.kind(batch)

    def sides(torch: Any) -> Sides:
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(shapes[a], np.float32) for a in (first, second)]
        every = sides_of(op, Sample((*arrays, *rest), options), torch)
        if kind == PACKED:
            weights = pack_conv_weights(arrays[1], shapes[first], **options)
            ours = partial(packed_conv, arrays[0], weights, **options)
            every = replace(
                every, run={**every.run, "striate": ours}, check={**every.check, "striate": ours}
            )
        # The reference takes too long to be timed, and checks only what PyTorch does not.
        run = {side: every.run[side] for side in ("striate", "torch") if side in every.run}
        check = {s: c for s, c in every.check.items() if s != "reference" or torch is None}
        return Sides(run, check, every.work)

    label = f"{layer.name} N={batch}" + (" packed" if kind == PACKED else "")
    facts = _facts(name, layer, batch, kind)
    return Case(name, label, op.bench.unit, op.bench.counts, tolerance(op), sides, facts)


def cuda_cases(tolerance: float, layers: Sequence[Layer] = LAYERS, batch: int = 128) -> list[Case]:
    """Return rows of every shape of NETWORKS, network by network, for both sides on CUDA."""
    return [
        _cuda_case(op, layer, batch, tolerance)
        for network in NETWORKS
        for layer in layers
        if layer.network == network
        for op in DIRECTIONS
    ]


def _cuda_case(name: str, layer: Layer, batch: int, tolerance: float) -> Case:
    op, shapes, options = OPS[name], layer.shapes(batch), layer.options()
    first, second, third = ARGUMENTS[name]
    rest = () if third is None else (shapes[third],)

    def sides(torch: Any) -> Sides:
        arrays = [torch.randn(shapes[a], device="cuda") for a in (first, second)]
        return cuda_sides(op, Sample((*arrays, *rest), options), torch)

    facts = _facts(name, layer, batch, layer.network, device="cuda")
    label = f"{layer.name} N={batch}"
    return Case(name, label, op.bench.unit, op.bench.counts, tolerance, sides, facts)


def _facts(name: str, layer: Layer, batch: int, kind: str, device: str = "cpu") -> dict[str, Any]:
    """What a row tells of its layer and of the plan for it."""
    shapes = layer.shapes(batch)
    arguments = [shapes[a] for a in ARGUMENTS[name] if a is not None]
    explained = striate.explain(name, *arguments, **layer.options(), device=device)
    return {
        "class": kind,
        "direction": DIRECTIONS[name],
        "algorithm": explained.algorithm,
        "workspace_bytes": explained.workspace_bytes,
    }


# Its arrays, and what it takes the shape of.
ARGUMENTS: dict[str, tuple[str, str, str | None]] = {
    "conv2d": ("x", "w", None),
    "conv2d_input_grad": ("dy", "w", "x"),
    "conv2d_weight_grad": ("dy", "x", "w"),
}
