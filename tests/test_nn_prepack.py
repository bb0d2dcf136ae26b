"""`nn.prepack`: packed weights give the same bits, and follow their parameters."""

from __future__ import annotations

import copy
import doctest
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import striate
from striate import _core, nn, ops, optim
from striate.nn import _prepack
from striate.ops.packed import pack_conv_weights, packed_conv

# x, w, options: each algorithm, tails of its blocks, groups
LAYERS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((1, 16, 7, 7), (40, 16, 1, 1), {}),
    ((2, 67, 9, 7), (71, 67, 3, 3), {"padding": 1, "stride": 2}),
    ((1, 301, 4, 4), (37, 301, 3, 3), {"padding": 1}),
    ((1, 64, 14, 14), (66, 64, 3, 3), {"padding": 1}),
    ((1, 48, 6, 6), (300, 48, 3, 3), {"padding": 1}),
    ((4, 40, 20, 20), (48, 20, 3, 3), {"padding": 1, "groups": 2}),
    ((4, 128, 16, 15), (320, 128, 3, 3), {"padding": 1, "stride": 2}),
    ((3, 72, 62, 63), (70, 72, 3, 3), {"padding": 1, "stride": 2}),
    ((2, 64, 12, 12), (64, 64, 5, 5), {"padding": 2}),
    ((1, 260, 8, 7), (256, 260, 3, 3), {"padding": 1}),
    ((4, 3, 97, 96), (64, 3, 11, 11), {"stride": 4, "padding": 2}),
    ((2, 8, 9, 18), (8, 1, 3, 3), {"groups": 8}),
    ((2, 24, 50), (30, 24, 3), {"stride": 2}),
    ((2, 24, 5, 6, 7), (30, 12, 3, 2, 1), {"groups": 2}),
    ((0, 8, 9, 9), (8, 8, 3, 3), {}),
    ((1, 0, 5, 5), (4, 0, 3, 3), {}),
    ((1, 8, 5, 5), (0, 8, 3, 3), {}),
]


def arrays(*shapes: tuple[int, ...], dtype: str = "float32") -> list[Any]:
    rng = np.random.default_rng(5)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("x_shape", "w_shape", "options"), LAYERS)
def test_the_bits_are_those_of_conv2d(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    options: dict[str, Any],
    dtype: str,
    isa: str,
    threads: Callable[[int], None],
) -> None:
    x, w, b = arrays(x_shape, w_shape, w_shape[:1], dtype=dtype)
    conv = getattr(ops, f"conv{x.ndim - 2}d")
    want = conv(x, w, b, **options, activation="relu")
    for count in (1, 3):
        threads(count)
        packed = pack_conv_weights(w, x.shape, **options)
        assert packed.algorithm == striate.explain(conv, x, w, **options).algorithm
        got = packed_conv(x, packed, b, **options, activation="relu")
        assert np.array_equal(got, want)


def test_every_algorithm_is_packed() -> None:
    found = {
        (packed.algorithm, packed.nbytes > 0)
        for x_shape, w_shape, options in LAYERS
        for packed in [pack_conv_weights(*arrays(w_shape), x_shape, **options)]
    }
    assert {
        ("implicit GEMM", True),
        ("Winograd", True),
        ("strided Winograd", True),
        ("Winograd, small tiles", True),
        ("polyphase Winograd", True),
        ("direct", False),
    } <= found


def test_packed_weights_are_read() -> None:
    # Else all of this would be for nothing: what was packed stays when w changes.
    for x_shape, w_shape, options in LAYERS[:5]:
        x, w = arrays(x_shape, w_shape)
        want = ops.conv2d(x, w, **options)
        packed = pack_conv_weights(w, x_shape, **options)
        w[...] = 0
        assert np.array_equal(packed_conv(x, packed, **options), want)


def test_other_shapes_and_settings_read_the_weights() -> None:
    (w,) = arrays((64, 64, 3, 3))
    packed = pack_conv_weights(w, (1, 64, 14, 14), padding=1)
    assert packed.algorithm == "Winograd"
    calls: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        ((1, 64, 14, 14), {"padding": 1}),
        ((3, 64, 31, 5), {"padding": 1}),
        ((1, 64, 1, 1), {"padding": 1}),  # direct sums
        ((1, 64, 14, 14), {"padding": 1, "stride": 2}),
        ((2, 64, 62, 62), {"padding": 1, "stride": 2}),  # strided Winograd
        ((1, 64, 14, 14), {"dilation": 2}),
        ((1, 128, 14, 14), {"groups": 2}),
    ]
    before = _core.isa()
    try:
        for x_shape, options in calls:
            (x,) = arrays(x_shape)
            for isa in _core.available_isas():
                _core.set_isa(isa)
                for precision in ("fast", "exact"):
                    striate.set_precision(precision)  # type: ignore[arg-type]
                    for limit in (None, 0):
                        striate.set_max_workspace(limit)
                        want = ops.conv2d(x, w, **options)
                        assert np.array_equal(packed_conv(x, packed, **options), want)
    finally:
        _core.set_isa(before)


def test_another_stride_reads_the_weights() -> None:
    x, w = arrays((4, 8, 96, 97), (64, 8, 11, 11))
    packed = pack_conv_weights(w, x.shape, stride=3)
    for stride in (3, 4):
        assert striate.explain("conv2d", x, w, stride=stride).algorithm == packed.algorithm
        want = ops.conv2d(x, w, stride=stride)
        assert np.array_equal(packed_conv(x, packed, stride=stride), want)


def test_what_is_not_finite_is_right() -> None:
    x, w = arrays((1, 64, 14, 14), (64, 64, 3, 3))
    x[0, 3, 7, 7] = np.inf
    packed = pack_conv_weights(w, x.shape, padding=1)
    np.testing.assert_array_equal(packed_conv(x, packed, padding=1), ops.conv2d(x, w, padding=1))


@pytest.mark.parametrize(
    ("error", "message", "w", "x_shape"),
    [
        (TypeError, "pack_conv_weights: w must be a numpy.ndarray", "w", (1, 2, 3, 3)),
        (ValueError, "pack_conv_weights: w must have C_in", np.ones((4, 3, 1, 1)), (1, 2, 3, 3)),
        (
            ValueError,
            "pack_conv_weights: x_shape must have 5 a",
            np.ones((4, 3, 1, 1, 1, 1)),
            (1, 2),
        ),
        (ValueError, "pack_conv_weights: x_shape must have 4 axes", np.ones((4, 2, 1, 1)), (1, 2)),
        (
            ValueError,
            "pack_conv_weights: x_shape must have 3 axes",
            np.ones(()).reshape(()),
            (1, 2),
        ),
        (TypeError, "pack_conv_weights: x_shape must be a seq", np.ones((4, 2, 1, 1)), 3),
    ],
)
def test_wrong_arguments_are_errors(
    error: type[Exception], message: str, w: Any, x_shape: Any
) -> None:
    with pytest.raises(error) as caught:
        pack_conv_weights(w, x_shape)
    assert str(caught.value).startswith(message)


def test_conv2d_s_errors_hold() -> None:
    packed = pack_conv_weights(np.ones((4, 2, 1, 1)), (1, 2, 3, 3))
    with pytest.raises(ValueError, match=r"^conv2d: w must have C_in / groups channels"):
        packed_conv(np.ones((1, 3, 3, 3)), packed)
    with pytest.raises(TypeError, match=r"^conv2d: x and w must have the same dtype"):
        packed_conv(np.ones((1, 2, 3, 3), np.float32), packed)


def net(dtype: str = "float32") -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 48, 3, padding=1, activation="relu"),
        nn.Residual(nn.Conv2d(48, 48, 3, padding=1, bias=False)),
        nn.Conv2d(48, 48, 3, padding=1, groups=48),
        nn.GlobalAvgPool2d(),
        nn.Flatten(),
        nn.Linear(48, 5),
        rng=0,
    ).astype(dtype)


SHAPE = (1, 3, 16, 16)


def test_the_net_gives_the_same_bits() -> None:
    plain, packed = net(), net()
    report = nn.prepack(packed, SHAPE)
    assert [layer.path for layer in report.layers] == ["0", "1.body", "2"]
    assert report.layers[2].nbytes == 0
    assert report.nbytes == sum(layer.nbytes for layer in report.layers) > 0
    assert "1.body" in str(report)
    assert f"{report.nbytes:,}" in str(report)
    for shape in (SHAPE, (5, 3, 16, 16), (1, 3, 3, 40), (0, 3, 8, 8)):
        (x,) = arrays(shape)
        assert np.array_equal(packed(x), plain(x))


def test_a_changed_parameter_is_packed_again() -> None:
    plain, packed = net(), net()
    nn.prepack(packed, SHAPE)
    (x,) = arrays(SHAPE)
    state = {name: array + np.float32(0.5) for name, array in net().state_dict().items()}

    def step(n: nn.Sequential) -> None:
        y, pullback = n.vjp(x)
        pullback(np.ones_like(y))
        optim.SGD(n.parameters(), lr=0.1).step()

    def assign(n: nn.Sequential) -> None:
        n[0].weight.data = n[0].weight.data * 2

    changes: list[Callable[[nn.Sequential], Any]] = [
        step,
        assign,
        lambda n: n.load_state_dict(state),
        lambda n: n.reset_parameters(rng=7),
        lambda n: n.astype("float64"),
    ]
    for change in changes:
        before = packed(x)
        change(plain)
        change(packed)
        x = x.astype(plain[0].weight.dtype)
        assert np.array_equal(packed(x), plain(x))
        assert not np.array_equal(packed(x), before)


def test_one_and_three_axes() -> None:
    for conv, shape in ((nn.Conv1d(8, 16, 3), (1, 8, 20)), (nn.Conv3d(8, 16, 3), (1, 8, 5, 5, 5))):
        (x,) = arrays(shape)
        want = conv(x)
        assert nn.prepack(conv, shape).nbytes > 0
        assert np.array_equal(conv(x), want)


def test_gradients_are_the_same() -> None:
    plain, packed = net(), net()
    nn.prepack(packed, SHAPE)
    (x,) = arrays(SHAPE)
    grads = []
    for n in (plain, packed):
        y, pullback = n.vjp(x)
        grads.append([pullback(np.ones_like(y)), *(p.grad for p in n.parameters())])
    assert all(np.array_equal(a, b) for a, b in zip(*grads, strict=True))


def test_copies_pack_their_own() -> None:
    packed = net()
    nn.prepack(packed, SHAPE)
    (x,) = arrays(SHAPE)
    want = packed(x)
    for twin in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        twin[0].weight.data = twin[0].weight.data * 2
        assert not np.array_equal(twin(x), want)
        assert np.array_equal(packed(x), want)
    folded = nn.fold_batch_norm(packed)
    assert np.array_equal(folded(x), want)


def test_packed_weights_can_be_taken_away() -> None:
    layers = net()
    before = striate.memory_stats()["in_use_bytes"]
    report = nn.prepack(layers, SHAPE)
    assert striate.memory_stats()["in_use_bytes"] - before >= report.nbytes
    assert str(nn.prepack(layers, None)).split()[-1] == "0"
    assert striate.memory_stats()["in_use_bytes"] == before
    assert layers[0].packed is None


def test_a_shape_that_does_not_fit_changes_nothing() -> None:
    layers = net()
    with pytest.raises(ValueError, match=r"^pack_conv_weights: w must have C_in"):
        nn.prepack(layers, (1, 4, 8, 8))
    assert layers[0].packed is None
    wrong: Any = "net"
    with pytest.raises(TypeError, match=r"^prepack: net must be a module\. Got str\."):
        nn.prepack(wrong, SHAPE)


def test_threads_may_call_at_once() -> None:
    layers = net()
    (x,) = arrays(SHAPE)
    want = layers(x)
    nn.prepack(layers, SHAPE)
    layers[0].weight.data = layers[0].weight.data
    with ThreadPoolExecutor(8) as pool:
        assert all(np.array_equal(y, want) for y in pool.map(layers, [x] * 32))


@pytest.mark.parametrize("module", [_prepack])
def test_doctests_pass(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
