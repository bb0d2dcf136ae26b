"""What only the emulated device can show: the order of threads, odd memory, the allocator."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cuda_device import Device, DeviceArray, EmulatedLibrary

import striate
from striate import _backend, _core, _verify, cli, ops
from striate._backend import _libraries
from striate._registry import OPS, Array, Op, Sample

pytestmark = pytest.mark.parametrize("device", ["emulated"], indirect=True)

if importlib.util.find_spec("striate._cuda_emulated") is None:
    pytest.skip("built without STRIATE_CUDA_EMULATED", allow_module_level=True)
KERNELS = set(dir(importlib.import_module("striate._cuda_emulated")))
EVERY_KERNEL = pytest.mark.parametrize("name", sorted(KERNELS & set(OPS)))
# What is written to must lie as it is.
EVERY_PURE_KERNEL = pytest.mark.parametrize(
    "name", sorted(n for n in KERNELS & set(OPS) if not OPS[n].in_place)
)
EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])


@functools.cache
def samples(name: str) -> list[Sample]:
    return _verify.samples(OPS[name])


def small(drawn: list[Sample]) -> list[Sample]:
    """Those that take no time, or else the first."""
    few = 5000

    def size(sample: Sample) -> int:
        sizes: list[int] = []
        sample.map(lambda a: sizes.append(a.size) or a)  # type: ignore[func-returns-value]
        return sum(sizes)

    return [sample for sample in drawn if size(sample) < few] or drawn[:1]


def run(op: Op, sample: Sample) -> list[Array]:
    result = op.function(*sample.args, **sample.kwargs)
    arguments = op.arguments(sample)
    written = [a for name in op.in_place for a in arguments[name] or () if a is not None]
    returned = () if result is None else result if isinstance(result, tuple) else (result,)
    flat = [b for a in (*written, *returned) for b in (a if isinstance(a, list) else [a])]
    return [a.memory.copy() if isinstance(a, DeviceArray) else np.asarray(a) for a in flat]


def bits(arrays: list[Array]) -> list[tuple[str, bytes]]:
    return [(str(a.dtype), a.tobytes()) for a in arrays]


@EVERY_KERNEL
def test_the_order_of_threads_does_not_change_the_bits(
    name: str, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A race between two barriers would show.
    for sample in samples(name):
        forwards = run(OPS[name], sample.cast("float32").map(device.put))
        monkeypatch.setenv("STRIATE_EMULATED_ORDER", "reverse")
        backwards = run(OPS[name], sample.cast("float32").map(device.put))
        monkeypatch.delenv("STRIATE_EMULATED_ORDER")
        assert bits(forwards) == bits(backwards)


# One formula, one order of sums, and the fused multiply-add of the vector units: the same bits.
SAME_AS_THE_CPU = {
    *(n for n in OPS if n.startswith(("relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus"))),
    *(n for n in OPS if n.startswith(("silu", "gelu", "hardswish", "max_pool", "add", "mul"))),
    *("dropout", "concat", "concat_grad", "pad", "pad_grad", "prelu", "scale_channels"),
    *("sgd_step", "adam_step", "adagrad_step", "rmsprop_step", "ema_step", "clip_grad_value"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "stochastic_pool2d"),
    "stochastic_pool2d_grad",
}


@EVERY_DTYPE
@pytest.mark.parametrize("name", sorted(SAME_AS_THE_CPU & KERNELS))
def test_has_the_bits_of_the_cpu(name: str, dtype: str, device: Device) -> None:
    if _core.isa() not in ("avx512", "avx2", "neon"):
        pytest.skip(f"{_core.isa()} has no fused multiply-add")
    for sample in samples(name):
        want = OPS[name].run(OPS[name].function, sample.cast(dtype))
        got = run(OPS[name], sample.cast(dtype).map(device.put))
        for a, b in zip(got, want, strict=True):
            assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def transposed(library: EmulatedLibrary, a: Array) -> DeviceArray:
    new = library.put(np.ascontiguousarray(a.T))
    return DeviceArray(new.memory.T, new.block)


def reversed_axes(library: EmulatedLibrary, a: Array) -> DeviceArray:
    new = library.put(np.ascontiguousarray(np.flip(a)))
    return DeviceArray(np.flip(new.memory), new.block)


def byte_swapped(library: EmulatedLibrary, a: Array) -> DeviceArray:
    return library.put(a.astype(a.dtype.newbyteorder()))


def unaligned(library: EmulatedLibrary, a: Array) -> DeviceArray:
    return library.put(a, offset=1)


def off_by_one_element(library: EmulatedLibrary, a: Array) -> DeviceArray:
    return library.put(a, offset=a.dtype.itemsize)


def with_gaps(library: EmulatedLibrary, a: Array) -> DeviceArray:
    wide = np.zeros((*a.shape, 2), a.dtype)
    wide[..., 0] = a
    new = library.put(wide)
    return DeviceArray(new.memory[..., 0], new.block)


def narrow_integers(library: EmulatedLibrary, a: Array) -> DeviceArray:
    return library.put(a.astype(np.int16) if a.dtype.kind == "i" else a)


LAYOUTS = [
    transposed,
    reversed_axes,
    byte_swapped,
    unaligned,
    off_by_one_element,
    with_gaps,
    narrow_integers,
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@EVERY_PURE_KERNEL
def test_memory_layout_does_not_change_the_bits(
    name: str, layout: Callable[[EmulatedLibrary, Array], DeviceArray], device: Device
) -> None:
    op, library = OPS[name], _libraries.library("cuda_device")
    assert isinstance(library, EmulatedLibrary)
    for sample in small(samples(name))[:3]:
        cast = sample.cast("float32")
        strange = cast.map(lambda a: layout(library, a))
        assert bits(run(op, strange)) == bits(run(op, cast.map(device.put)))


def test_a_loss_is_an_array_on_the_device(device: Device) -> None:
    logits, labels = np.zeros((4, 3), np.float32), np.array([0, 1, 2, 0])
    loss, _ = ops.softmax_cross_entropy(device.put(logits), device.put(labels))
    assert isinstance(loss, DeviceArray)
    assert loss.shape == ()
    assert loss.dtype == np.float32
    assert loss.memory == pytest.approx(np.log(3))


@pytest.mark.parametrize("label", [3, -1, 2**62])
def test_a_bad_label_is_raised_by_a_later_call(label: int, device: Device) -> None:
    logits, labels = device.put(np.zeros((4, 3))), device.put(np.array([0, 1, label, 0]))
    loss: Any = ops.softmax_cross_entropy(logits, labels)[0]
    assert np.isnan(loss.memory)
    text = rf"softmax_cross_entropy: labels must be in \[0, C\).*labels.flat\[2\]={label}, C=3"
    with pytest.raises(ValueError, match=text):
        striate.synchronize()
    striate.synchronize()  # once only


def test_a_bad_index_is_raised_by_a_later_call(device: Device) -> None:
    indices = device.put(np.array([[[[0, 16]]]]))
    ops.max_pool2d_grad(device.put(np.ones((1, 1, 1, 2))), indices, (1, 1, 4, 4))
    with pytest.raises(
        ValueError, match=r"indices must be in \[-1, 16\)\. Got indices.flat\[1\]=16"
    ):
        ops.relu(device.put(np.ones(3)))


def test_many_outputs_of_one_index_add_up_in_order(device: Device, rng: Any) -> None:
    dy = rng.standard_normal((2, 1, 40, 50)).astype(np.float32)
    for indices in (np.zeros(dy.shape, np.int32), rng.integers(-1, 7, dy.shape)):
        want = ops.max_pool2d_grad(dy, indices, (2, 1, 60, 70))
        got: Any = ops.max_pool2d_grad(device.put(dy), device.put(indices), (2, 1, 60, 70))
        assert np.array_equal(got.memory, want)


def test_two_libraries_in_one_call_are_named(device: Device) -> None:
    class Foreign:
        __cuda_array_interface__: dict[str, Any] = {}  # noqa: RUF012

    class Other(EmulatedLibrary):
        name = "another library"

    _libraries._known["cupy"] = Other()
    try:
        with pytest.raises(
            TypeError, match="a is an array of the emulated library, b one of another"
        ):
            ops.add(device.put(np.ones(3)), Foreign())  # type: ignore[arg-type]
    finally:
        del _libraries._known["cupy"]


def test_two_devices_in_one_call_are_named(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = device.put(np.ones(3)), device.put(np.ones(3))
    monkeypatch.setattr(EmulatedLibrary, "device", lambda self, array: int(array is b))
    with pytest.raises(TypeError, match="add: a is on cuda:0, b on cuda:1"):
        ops.add(a, b)


def test_other_dtypes_are_refused(device: Device) -> None:
    with pytest.raises(
        TypeError, match=r"relu: x must be float32 or float64\. Got x\.dtype=float16"
    ):
        ops.relu(device.put(np.ones(3, np.float16)))


def test_scratch_is_given_back(device: Device) -> None:
    library = _libraries.library("cuda_device")
    assert isinstance(library, EmulatedLibrary)
    library.blocks.clear()
    ops.bias_grad(device.put(np.ones((2, 3, 4), np.float32)))
    module: Any = _backend.cuda_kernels()
    assert len(library.blocks) == 3  # the input, the output and the portions' sums
    assert module.scratch_held() == 0


@pytest.mark.parametrize(
    ("capability", "advice"),
    [
        ("103", "holds no code for this device, of compute capability 10.3 .* CUDAARCHS=103"),
        ("75", "need a device of compute capability 8.0 or more, this one has 7.5"),
    ],
)
def test_a_device_without_code_cannot_be_used(
    capability: str,
    advice: str,
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _backend.cuda_problem() is None
    monkeypatch.setenv("STRIATE_EMULATED_WITHOUT_CODE", capability)
    assert cli.main(["info"]) == 0
    assert re.search(f"^CUDA +no: CUDA is unavailable.*{advice}", capsys.readouterr().out, re.M)
