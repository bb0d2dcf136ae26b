"""`striate.explain` and what it tells of: the choice of an algorithm, and the workspace's bound."""

from __future__ import annotations

import dataclasses
import doctest
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import striate
from striate import _core, _explain, _registry, _verify, cli, ops

X, W, Y = (2, 32, 20, 20), (48, 32, 3, 3), (2, 48, 20, 20)
# The arguments of the three directions of one layer.
DIRECTIONS: dict[str, tuple[Any, ...]] = {
    "conv2d": (X, W),
    "conv2d_input_grad": (Y, W, X),
    "conv2d_weight_grad": (Y, X, W),
}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_it_tells_the_algorithm_and_the_work(name: str, isa: str) -> None:
    e = striate.explain(name, *DIRECTIONS[name], padding=1)
    assert (e.op, e.isa, e.dtype) == (name, isa, "float32")
    assert e.algorithm
    assert e.why
    assert e.flops == 2 * np.prod(Y) * 32 * 9
    assert e.workspace_bytes is not None
    assert e.workspace_bytes >= 0
    assert e.scratch_bytes is not None
    assert e.scratch_bytes > 0
    assert e.bytes is None
    text = str(e)
    assert all(part in text for part in (name, isa, e.algorithm, e.why, "GFLOP"))


@pytest.mark.parametrize("name", DIRECTIONS)
def test_arrays_and_shapes_are_alike(name: str) -> None:
    for dtype in ("float32", "float64"):
        arrays = [np.zeros(shape, dtype) for shape in DIRECTIONS[name][:2]]
        rest = DIRECTIONS[name][2:]
        of_arrays = striate.explain(getattr(ops, name), *arrays, *rest, padding=1)
        assert of_arrays.dtype == dtype
        of_shapes = striate.explain(name, *DIRECTIONS[name], padding=1, dtype=dtype)
        assert of_shapes == of_arrays


CONVOLUTIONS = sorted(name for name in _registry.OPS if name.startswith("conv"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_convolution_is_planned(name: str, dtype: str) -> None:
    op = _registry.OPS[name]
    for sample in _verify.samples(op):
        cast = sample.cast(dtype)
        e = striate.explain(name, *cast.args, **cast.kwargs)
        assert e.dtype == dtype
        assert e.workspace_bytes is not None
        assert e.flops == pytest.approx(op.bench.work(op.arguments(cast)))


def test_a_transposed_convolution_is_the_gradient_of_another() -> None:
    forward = striate.explain("conv_transpose2d", Y, W, stride=2)
    gradient = striate.explain("conv2d_input_grad", Y, W, (2, 32, 41, 41), stride=2)
    assert dataclasses.replace(forward, op=gradient.op) == gradient


def test_it_is_frozen() -> None:
    e = striate.explain("conv2d", X, W)
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.op = "other"  # type: ignore[misc]


def test_few_channels_are_direct() -> None:
    e = striate.explain("conv2d", (1, 1, 32, 32), (6, 1, 3, 3))
    assert e.algorithm == "direct"
    assert e.workspace_bytes == 0
    assert e.scratch_bytes is not None
    assert 0 < e.scratch_bytes <= 64 * 1024  # the source is read where it lies


def test_direct_gradients_tell_their_scratch(isa: str) -> None:
    x, w, dy = (2, 1, 64, 64), (4, 1, 3, 3), (2, 4, 31, 31)
    for name, arguments in {
        "conv2d_input_grad": (dy, w, x),
        "conv2d_weight_grad": (dy, x, w),
    }.items():
        e = striate.explain(name, *arguments, stride=2)
        assert e.algorithm == "direct"
        assert e.scratch_bytes is not None
        assert 0 < e.scratch_bytes <= 256 * 1024


def test_rows_of_depthwise_planes_fill_vectors_or_groups_do(isa: str) -> None:
    for size, algorithm in ((32, "direct"), (1, "group lanes")):
        e = striate.explain("conv2d", (1, 64, size, size), (64, 1, 3, 3), groups=64, padding=1)
        assert e.algorithm == algorithm


def test_many_small_groups_are_lanes(isa: str) -> None:
    e = striate.explain("conv2d", (1, 640, 32, 32), (640, 10, 5, 5), groups=64, stride=2)
    assert e.algorithm == "group lanes"


def call(name: str, rng: np.random.Generator, dtype: str, **options: Any) -> Any:
    shapes = DIRECTIONS[name]
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes[:2]]
    return getattr(ops, name)(*arrays, *shapes[2:], **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_max_workspace_holds(name: str, dtype: str, isa: str) -> None:
    free = striate.explain(name, *DIRECTIONS[name], padding=1, dtype=dtype)
    assert free.workspace_bytes is not None
    want = call(name, np.random.default_rng(1), dtype, padding=1)
    for limit in (free.workspace_bytes, max(free.workspace_bytes - 1, 0), 4096, 0):
        striate.set_max_workspace(limit)
        e = striate.explain(name, *DIRECTIONS[name], padding=1, dtype=dtype)
        assert e.workspace_bytes is not None
        assert e.workspace_bytes <= limit
        if limit >= free.workspace_bytes:
            assert e == free
        else:
            assert (
                f"{free.algorithm} would need a workspace of {free.workspace_bytes} bytes" in e.why
            )
        got = call(name, np.random.default_rng(1), dtype, padding=1)
        scale = np.abs(want).max()
        np.testing.assert_allclose(
            got, want, rtol=0, atol=scale * (1e-5 if dtype[-2:] == "32" else 1e-13)
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_sample_is_right_without_workspace(name: str, dtype: str, isa: str) -> None:
    striate.set_max_workspace(0)
    op = _registry.OPS[name]
    for sample in _verify.samples(op):
        cast = sample.cast(dtype)
        assert striate.explain(op.function, *cast.args, **cast.kwargs).workspace_bytes == 0
        for a, b in zip(
            op.run(op.function, cast), _verify.expected(op, sample, dtype), strict=True
        ):
            assert _verify.error(a, b) <= op.tolerance.of(dtype)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_threads_do_not_change_the_bits_without_workspace(
    name: str, threads: Callable[[int], None]
) -> None:
    striate.set_max_workspace(0)
    results = []
    for count in (1, 2, 7):
        threads(count)
        results.append(call(name, np.random.default_rng(1), "float32", padding=1))
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("limit", [None, 0])
def test_it_tells_the_truth_of_memory(
    name: str, limit: int | None, python: Callable[..., Any]
) -> None:
    # One thread, and a fresh process for peak_bytes; buffers come in classes of up to 1.25 times.
    script = f"""
import numpy as np, striate
from striate import ops
striate.set_num_threads(1)
striate.set_max_workspace({limit})
shapes = {DIRECTIONS[name]}
arrays = [np.ones(shape, np.float32) for shape in shapes[:2]]
e = striate.explain({name!r}, *arrays, *shapes[2:], padding=1)
result = ops.{name}(*arrays, *shapes[2:], padding=1)
taken = striate.memory_stats()["peak_bytes"] - result.nbytes
print(taken, e.workspace_bytes + e.scratch_bytes, result.nbytes)
"""
    done = python(script)
    assert done.returncode == 0, done.stderr
    taken, told, result = map(int, done.stdout.split())
    assert 0.9 * told - 4096 <= taken + result / 8
    assert taken <= 1.25 * told + result / 4 + 65536


@pytest.mark.parametrize("name", sorted(set(_registry.OPS)))
def test_every_op_is_explained(name: str) -> None:
    op = _registry.OPS[name]
    sample = op.bench.cases[-1].sample(np.random.default_rng(1), 1).cast(np.float64)
    e = striate.explain(name, *sample.args, **sample.kwargs)
    assert (e.op, e.dtype) == (name, "float64")
    work = e.flops if op.bench.unit == "flops" else e.bytes
    assert work == pytest.approx(op.bench.work(op.arguments(sample)))
    assert name in str(e)


def test_shapes_stand_for_arrays_of_other_ops() -> None:
    e = striate.explain("relu", (2, 3, 4, 5))
    assert (e.flops, e.bytes, e.workspace_bytes) == (None, 2 * 4 * 120, None)
    assert striate.explain("relu", (2, 3, 4, 5), dtype="float64").bytes == 2 * 8 * 120
    assert striate.explain(ops.linear, (8, 10), (4, 10)).flops == 2 * 8 * 10 * 4
    e = striate.explain("sgd_step", [(3, 4)], [(3, 4)], None, lr=0.1)
    assert e.bytes


@pytest.mark.parametrize("wrong", ["conv9d", "", len, print, None, 3, np.add, np.linalg.norm])
def test_an_unknown_op_is_an_error(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^explain: op must be one of .*conv2d, .*\. Got op="):
        striate.explain(wrong, X, W)


@pytest.mark.parametrize(
    ("error", "message", "args", "kwargs"),
    [
        (TypeError, "explain: conv2d: missing a required argument", (X,), {}),
        (
            TypeError,
            "explain: conv2d: got an unexpected keyword",
            (X, W),
            {"pad": 1},
        ),
        (
            ValueError,
            "conv2d: groups must divide C_in.",
            (X, W),
            {"groups": 3},
        ),
        (ValueError, "conv2d: w must have C_in / groups channels", (X, (48, 31, 3, 3)), {}),
        (ValueError, "conv2d: x must have 4 axes", ((1, 2), W), {}),
        (ValueError, "conv2d: x must have no negative axis", ((1, 32, -1, 5), W), {}),
        (TypeError, "conv2d: x must be a sequence of ints", ("shape", W), {}),
        (TypeError, "conv2d: x must be an int", ((1, 32, 5.0, 5), W), {}),
        (TypeError, "conv2d: x and w must have the same dtype", (X, np.ones(W)), {}),
        (ValueError, "explain: dtype must be 'float32' or 'float64'", (X, W), {"dtype": "int8"}),
        (ValueError, "conv2d: x must have at most 2^48 elements", ((2**50, 32, 1, 1), W), {}),
        (ValueError, "conv2d: activation must be None or 'relu'", (X, W), {"activation": "gelu"}),
    ],
)
def test_wrong_arguments_are_the_calls_errors(
    error: type[Exception], message: str, args: Any, kwargs: Any
) -> None:
    with pytest.raises(error) as caught:
        striate.explain("conv2d", *args, **kwargs)
    assert str(caught.value).startswith(message)


def test_a_huge_kernel_is_an_error() -> None:
    huge = (1, 1, 1, 2**40)
    with pytest.raises(ValueError, match=r"^conv2d_input_grad: a kernel must have at most 2\^20"):
        striate.explain("conv2d_input_grad", (1, 1, 1, 1), huge, huge, stride=2**40)


def test_wrong_arguments_of_other_ops() -> None:
    with pytest.raises(TypeError, match=r"^explain: relu: x must be an array or a shape\. Got 'a'"):
        striate.explain("relu", "a")
    with pytest.raises(ValueError, match=r"^explain: linear: the arguments do not fit"):
        striate.explain("linear", (), ())


def test_doctests_pass() -> None:
    result = doctest.testmod(_explain)
    assert result.attempted > 0
    assert result.failed == 0


class TestCommand:
    def run(self, capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str, str]:
        code = cli.main(["explain", *line.split()])
        out, err = capsys.readouterr()
        return code, out, err

    def test_it_prints_what_explain_tells(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = "conv2d 8,64,56,56 64,64,3,3 padding=same stride=2,1 --dtype float64"
        code, out, err = self.run(capsys, line)
        shapes = (8, 64, 56, 56), (64, 64, 3, 3)
        want = striate.explain("conv2d", *shapes, padding="same", stride=(2, 1), dtype="float64")
        assert (code, out, err) == (0, f"{want}\n", "")

    def test_options_are_those_of_the_plan(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = self.run(
            capsys,
            "conv2d_input_grad 8,64,54,54 64,64,3,3 8,64,56,56 --precision exact --max-workspace 0",
        )
        assert code == 0
        assert "above max_workspace" in out
        assert "workspace: 0 bytes" in out

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("conv9d 1,2", "op must be one of"),
            ("conv2d 1,2,3,4", "missing a required argument: 'w'"),
            ("conv2d 1,2,3,4 5,6,7,8", "conv2d: w must have C_in / groups channels"),
            ("conv2d 1,2,3,4 5,2,1,1 padding=2=3", "unexpected keyword argument 'padding=2'"),
        ],
    )
    def test_errors_are_one_line(
        self, capsys: pytest.CaptureFixture[str], line: str, message: str
    ) -> None:
        code, out, err = self.run(capsys, line)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_isa_is_the_one_in_use() -> None:
    assert striate.explain("relu", (3,)).isa == _core.isa()


def test_cuda_needs_a_build_with_it() -> None:
    if _core.build_info()["cuda"]:
        assert striate.explain("conv2d", X, W, device="cuda").isa == "CUDA"
        return
    with pytest.raises(RuntimeError, match="built without CUDA"):
        striate.explain("conv2d", X, W, device="cuda")
