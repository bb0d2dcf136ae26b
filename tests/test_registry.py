"""What every operation promises, checked for each entry of the registry."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import _verify, ops, reference
from striate._registry import OPS, Array, Op, Sample

DTYPES = ["float32", "float64"]
EVERY_OP = pytest.mark.parametrize("name", sorted(OPS))
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES)
MANY_THREADS = 7


@functools.cache
def samples(name: str) -> list[Sample]:
    return _verify.samples(OPS[name])


@functools.cache
def expected(name: str, dtype: str) -> list[list[Array]]:
    return [_verify.expected(OPS[name], sample, dtype) for sample in samples(name)]


def arrays(value: Any) -> list[Array]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, (list, tuple)):
        return [a for item in value for a in arrays(item)]
    return []


def assert_same_bits(got: list[Array], want: list[Array], label: str) -> None:
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype, label
        assert a.shape == b.shape, label
        assert a.tobytes() == b.tobytes(), label


def describe(value: Any) -> Any:
    """For messages: arrays by their shape."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}"
    if isinstance(value, dict):
        return {name: describe(item) for name, item in value.items()}
    return [describe(item) for item in value] if isinstance(value, list) else value


def test_every_op_is_registered() -> None:
    assert sorted(OPS) == sorted(ops.__all__) == sorted(reference.__all__)


@EVERY_OP
def test_entry_is_complete(name: str) -> None:
    op = OPS[name]
    assert op.function is getattr(ops, name)
    assert op.reference is getattr(reference, name)
    assert samples(name)
    assert op.tolerance.reason
    assert op.bench.cases
    assert op.bench.unit in ("flops", "bytes")
    assert op.bench.counts
    sources = (op.gradient is not None, op.gradient_of is not None, bool(op.in_place))
    assert sources.count(True) == 1
    assert op.gradient_of is None or OPS[op.gradient_of].gradient
    assert (op.smooth_call is not None) == (op.gradient is not None)


@EVERY_OP
def test_bench_cases_agree_with_the_reference(name: str) -> None:
    op = OPS[name]
    case = op.bench.cases[-1]
    sample = case.sample(np.random.default_rng(2012), 1)
    assert op.bench.work(op.arguments(sample)) > 0
    want = _verify.expected(op, sample, np.float32)
    got = op.run(op.function, sample.cast(np.float32))
    for a, b in zip(got, want, strict=True):
        assert _verify.error(a, b) <= op.tolerance.float32


@EVERY_OP
def test_signature_is_that_of_the_reference(name: str) -> None:
    assert inspect.signature(OPS[name].function) == inspect.signature(OPS[name].reference)


@EVERY_OP
def test_docstring_is_complete(name: str) -> None:
    text = inspect.getdoc(OPS[name].function) or ""
    sections = ["Formula", "Args:", "Returns:", "Raises:", "References:", "Examples:"]
    if OPS[name].in_place:
        sections.remove("Returns:")
    places = [text.find(section) for section in sections]
    assert -1 not in places, dict(zip(sections, places, strict=True))
    assert places == sorted(places)
    assert ">>> ops." in text or "= ops." in text


@EVERY_DTYPE
@EVERY_OP
def test_agrees_with_the_reference(name: str, dtype: str, isa: str) -> None:
    op = OPS[name]
    for sample, want in zip(samples(name), expected(name, dtype), strict=True):
        cast = sample.cast(dtype)
        label = f"{isa} {describe(op.arguments(cast))}"
        given_arrays = arrays(list(op.arguments(cast).values()))
        got = op.run(op.function, cast)
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            assert _verify.error(a, b) <= op.tolerance.of(dtype), label
            if not op.in_place:
                assert not any(np.shares_memory(a, x) for x in given_arrays), label


@EVERY_DTYPE
@EVERY_OP
def test_result_has_the_inputs_dtype(name: str, dtype: str) -> None:
    op = OPS[name]
    for sample in samples(name):
        cast = sample.cast(dtype)
        returned = op.function(*cast.args, **cast.kwargs)
        for a in arrays(returned):
            assert a.flags.c_contiguous
            assert a.dtype == dtype or (a.dtype.kind == "i" and a.dtype.isnative)


@EVERY_DTYPE
@EVERY_OP
def test_threads_do_not_change_the_bits(
    name: str, dtype: str, isa: str, threads: Callable[[int], None]
) -> None:
    op = OPS[name]
    for sample in samples(name):
        results = []
        for count in (1, 2, MANY_THREADS):
            threads(count)
            results.append(op.run(op.function, sample.cast(dtype)))
        for other in results[1:]:
            assert_same_bits(other, results[0], f"{isa} {describe(op.arguments(sample))}")


@EVERY_OP
def test_samples_fill_several_chunks(name: str) -> None:
    # Else the number of threads would not matter above.
    op = OPS[name]
    largest = max(
        sum(a.size for a in arrays(list(op.arguments(sample).values()))) for sample in samples(name)
    )
    assert largest > 65536


def transposed(a: Array) -> Array:
    return a.T.copy().T


def reversed_axes(a: Array) -> Array:
    return np.asarray(np.flip(np.flip(a).copy()))


def byte_swapped(a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder())


def unaligned(a: Array) -> Array:
    buffer = np.empty(a.nbytes + 1, np.uint8)
    result: Array = np.ndarray(a.shape, a.dtype, buffer, offset=1)
    result[...] = a
    return result


def with_gaps(a: Array) -> Array:
    wide = np.zeros((*a.shape, 2), a.dtype)
    wide[..., 0] = a
    return wide[..., 0]


def broadcast(a: Array) -> Array:
    """Every entry along the first axis the same one, at one place in memory."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and a.size else a


LAYOUTS = [transposed, reversed_axes, byte_swapped, unaligned, with_gaps, broadcast]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@EVERY_DTYPE
@EVERY_OP
def test_memory_layout_does_not_change_the_bits(
    name: str, dtype: str, layout: Callable[[Array], Array]
) -> None:
    op = OPS[name]
    for sample in samples(name):
        plain = sample.cast(dtype)
        if layout is broadcast:
            plain = plain.map(lambda a: np.array(broadcast(a), order="C"))
        strange = laid_out(op, plain, layout)
        want = op.run(op.function, plain.cast(dtype))
        got = op.run(op.function, strange)
        assert_same_bits(got, want, f"{describe(op.arguments(sample))}")


def laid_out(op: Op, sample: Sample, layout: Callable[[Array], Array]) -> Sample:
    """The sample in another memory layout, but for what is written to."""
    if not op.in_place:
        return sample.map(layout)
    arguments = op.arguments(sample)
    read = {k: v for k, v in arguments.items() if k not in op.in_place}
    written = {k: v for k, v in arguments.items() if k in op.in_place}
    copies = Sample((), written).map(np.copy).kwargs
    changed = Sample((), read).map(layout).kwargs
    merged = {name: {**copies, **changed}[name] for name in arguments}
    signature = inspect.signature(op.function)
    positional = [
        merged.pop(p.name)
        for p in signature.parameters.values()
        if p.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    return Sample(tuple(positional), merged)


@EVERY_DTYPE
@EVERY_OP
def test_inputs_stay_as_they_are(name: str, dtype: str) -> None:
    op = OPS[name]
    for sample in samples(name):
        cast = sample.cast(dtype)
        arguments = op.arguments(cast)
        read = arrays([v for k, v in arguments.items() if k not in op.in_place])
        for a in read:
            a.flags.writeable = False  # read-only inputs are welcome
        before = [a.tobytes() for a in read]
        op.run(op.function, cast)
        assert [a.tobytes() for a in read] == before


# Random shapes.

sizes = st.integers(1, 12)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
pads = st.one_of(
    st.integers(0, 3),
    st.tuples(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.just((1, 2))),
    st.sampled_from(["same", "valid"]),
)
random_shapes = settings(deadline=None, derandomize=True, max_examples=50)


def assert_agrees(name: str, sample: Sample) -> None:
    op = OPS[name]
    for dtype in DTYPES:
        try:
            want = _verify.expected(op, sample, dtype)
        except ValueError:
            with pytest.raises(ValueError, match=f"^{name}: "):
                op.run(op.function, sample.cast(dtype))
            continue
        got = op.run(op.function, sample.cast(dtype))
        for a, b in zip(got, want, strict=True):
            assert _verify.error(a, b) <= op.tolerance.of(dtype)


@random_shapes
@given(
    batch=st.integers(0, 3),
    groups=st.integers(1, 3),
    channels=pairs,
    image=st.tuples(sizes, sizes),
    kernel=pairs,
    stride=pairs,
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=pads,
    activation=st.sampled_from([None, "relu"]),
)
def test_conv2d_of_any_shape(
    batch: int,
    groups: int,
    channels: tuple[int, int],
    image: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Any,
    activation: str | None,
) -> None:
    rng = np.random.default_rng(1)
    x_shape = (batch, channels[0] * groups, *image)
    w_shape = (channels[1] * groups, channels[0], *kernel)
    x, w, b = (rng.standard_normal(s) for s in (x_shape, w_shape, w_shape[:1]))
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    assert_agrees("conv2d", Sample((x, w, b), {**window, "activation": activation}))
    try:
        dy = rng.standard_normal(reference.conv2d(x, w, **window).shape)
    except ValueError:
        return
    assert_agrees("conv2d_input_grad", Sample((dy, w, x_shape), window))
    assert_agrees("conv2d_weight_grad", Sample((dy, x, w_shape), window))


@random_shapes
@given(
    planes=st.tuples(st.integers(0, 2), st.integers(1, 3)),
    image=st.tuples(sizes, sizes),
    kernel=pairs,
    stride=st.none() | pairs,
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=pads,
    ceil_mode=st.booleans(),
)
def test_max_pool2d_of_any_shape(
    planes: tuple[int, int],
    image: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] | None,
    dilation: tuple[int, int],
    padding: Any,
    ceil_mode: bool,
) -> None:
    rng = np.random.default_rng(1)
    x: npt.NDArray[Any] = rng.integers(-3, 4, (*planes, *image)).astype(np.float64)
    window = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    assert_agrees("max_pool2d", Sample((x, kernel), window))
    assert_agrees("max_pool2d_with_indices", Sample((x, kernel), window))
    try:
        y, indices = reference.max_pool2d_with_indices(x, kernel, **window)
    except ValueError:
        return
    assert_agrees("max_pool2d_grad", Sample((rng.standard_normal(y.shape), indices, x.shape)))
