from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from striate import init, nn, ops

FANS = init.Fans(fan_in=500, fan_out=200)
SHAPE = (200, 500)

# Each initializer with the standard deviation that its definition asks for, and whether it is
# uniform: a uniform one keeps within sqrt(3) of its standard deviation.
CASES = [
    (init.normal(), 0.01, False),
    (init.normal(std=0.3), 0.3, False),
    (init.uniform(-0.2, 0.2), 0.2 / math.sqrt(3), True),
    (init.xavier_normal(), math.sqrt(2 / 700), False),
    (init.xavier_uniform(), math.sqrt(2 / 700), True),
    (init.xavier_normal(gain=3.0), 3 * math.sqrt(2 / 700), False),
    (init.xavier_uniform(gain=3.0), 3 * math.sqrt(2 / 700), True),
    (init.kaiming_normal(), math.sqrt(2 / 500), False),
    (init.kaiming_uniform(), math.sqrt(2 / 500), True),
    (init.kaiming_normal(mode="fan_out"), math.sqrt(2 / 200), False),
    (init.kaiming_uniform(mode="fan_out"), math.sqrt(2 / 200), True),
    (init.kaiming_normal("leaky_relu", slope=0.5), math.sqrt(2 / 1.25 / 500), False),
    (init.kaiming_uniform("tanh"), 5 / 3 / math.sqrt(500), True),
    (init.lecun_normal(), math.sqrt(1 / 500), False),
    (init.lecun_uniform(), math.sqrt(1 / 500), True),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("initializer", "std", "is_uniform"), CASES, ids=repr)
def test_distribution(
    initializer: init.Initializer, std: float, is_uniform: bool, dtype: str
) -> None:
    w = initializer(SHAPE, FANS, 7, dtype)
    assert w.shape == SHAPE
    assert w.dtype == dtype
    # 100 000 draws: the mean is within 5 of its own deviations, the deviation within 1.2% (5 of
    # its own, 1 / sqrt(2n) for a normal distribution).
    assert abs(w.mean(dtype=np.float64)) < 5 * std / math.sqrt(w.size)
    assert w.std(dtype=np.float64) == pytest.approx(std, rel=0.012)
    peak = np.abs(w).max() / std
    assert 1.72 < peak <= math.sqrt(3) * (1 + 1e-6) if is_uniform else 3.5 < peak < 6


def test_mean_and_bounds() -> None:
    w = init.normal(std=0.5, mean=2.0)(SHAPE, FANS, 0, "float64")
    assert w.mean() == pytest.approx(2.0, abs=0.01)
    w = init.uniform(1.0, 3.0)(SHAPE, FANS, 0, "float64")
    assert w.min() == pytest.approx(1.0, abs=1e-3)
    assert w.max() == pytest.approx(3.0, abs=1e-3)


def test_constants() -> None:
    assert (init.zeros()((2, 3), FANS, 0, "float32") == np.zeros((2, 3), np.float32)).all()
    assert (init.ones()((2, 3), FANS, 0, "float32") == 1).all()
    assert init.constant(0.25)((4,), FANS, 0, "float64").tolist() == [0.25] * 4


@pytest.mark.parametrize(
    ("nonlinearity", "expected"),
    [
        ("linear", 1.0),
        ("sigmoid", 1.0),
        ("tanh", 5 / 3),
        ("relu", math.sqrt(2)),
        ("leaky_relu", math.sqrt(2 / (1 + 0.01**2))),
        ("selu", 0.75),
    ],
)
def test_gain(nonlinearity: str, expected: float) -> None:
    assert init.gain(nonlinearity) == expected


def test_gain_with_slope() -> None:
    assert init.gain("leaky_relu", 1.0) == 1.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case[0]))
def test_initializers_pickle_and_compare(case: tuple[init.Initializer, float, bool]) -> None:
    assert pickle.loads(pickle.dumps(case[0])) == case[0]
    assert case[0] != init.zeros()


def test_repr() -> None:
    assert repr(init.kaiming_normal(mode="fan_out")) == (
        "kaiming_normal(nonlinearity='relu', mode='fan_out', slope=0.0)"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: init.gain("swish"), "gain: nonlinearity must be one of .* Got .*'swish'"),
        (lambda: init.kaiming_normal("swish"), "gain: nonlinearity must be"),
        (lambda: init.kaiming_uniform(mode="fan"), "kaiming_uniform: mode must be .* Got .*'fan'"),
        (lambda: init.normal(std=-1.0), "normal: std must be at least 0. Got std=-1.0"),
        (lambda: init.uniform(1.0, 0.0), "uniform: low must not be above high"),
        (
            lambda: init.lecun_normal()((0,), init.Fans(0, 0), 0, "float32"),
            "lecun_normal: the layer's fan must be at least 1. Got fan=0",
        ),
        (lambda: init.Stream(2**64), r"Stream: seed must be in \[0, 2\*\*64\)"),
        (lambda: init.Stream(-1), "Stream: seed must be in"),
    ],
)
def test_errors(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rng", [0.5, "0", None])
def test_rng_of_another_type(rng: object) -> None:
    with pytest.raises(TypeError, match=r"rng must be an int, a numpy\.random\.Generator or"):
        init.normal()((2,), FANS, rng, "float32")  # type: ignore[arg-type]


def test_stream_goes_on() -> None:
    whole = init.Stream(3).normal((10,), dtype="float64")
    parts = init.Stream(3)
    first, second = parts.normal((2, 2), dtype="float64"), parts.normal((6,), dtype="float64")
    assert whole.tolist() == first.ravel().tolist() + second.tolist()
    # An odd draw uses up half a counter more.
    parts = init.Stream(3)
    parts.uniform((3,))
    assert parts == init.Stream(3, offset=2)


def test_stream_of() -> None:
    stream = init.Stream(5)
    assert init.Stream.of(stream) is stream
    assert init.Stream.of(np.int64(5)) == stream  # type: ignore[arg-type]
    generator = np.random.default_rng(0)
    first, second = init.Stream.of(generator), init.Stream.of(generator)
    assert first != second
    assert init.Stream.of(np.random.default_rng(0)) == first


def test_folding_in_is_stable_and_starts_at_the_beginning() -> None:
    # A golden value: another hash would change every initialised network.
    assert init.Stream(0).fold_in("features.0.weight").seed == 3559847748955369672
    assert init.Stream(1, offset=9).fold_in("a") == init.Stream(1).fold_in("a")
    seeds = {init.Stream(s).fold_in(name).seed for s in (0, 1, 2**63) for name in ("", "a", "b")}
    assert len(seeds) == 9


def test_same_seed_same_bits_in_both_precisions() -> None:
    half = init.normal()(SHAPE, FANS, 0, "float32")
    assert (half == init.normal()(SHAPE, FANS, 0, "float32")).all()
    assert (half == init.normal()(SHAPE, FANS, 0, "float64").astype("float32")).all()


@pytest.mark.parametrize("groups", [1, 4])
def test_fans_of_convolutions_keep_the_variance_in_both_directions(groups: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 64, 12, 12))
    for mode in ("fan_in", "fan_out"):
        conv = nn.Conv2d(
            64,
            128,
            3,
            padding=1,
            groups=groups,
            bias=False,
            weight_init=init.kaiming_normal("linear", mode=mode),
            dtype="float64",
        )
        y = conv(x)
        if mode == "fan_in":
            out = y
        else:
            dy = rng.standard_normal(y.shape)
            out = ops.conv2d_input_grad(dy, conv.weight.data, x.shape, padding=1, groups=groups)
        # Away from the border, where all taps count.
        assert out[:, :, 1:-1, 1:-1].var() == pytest.approx(1.0, rel=0.05)
