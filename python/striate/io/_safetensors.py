"""Safetensors files: named arrays after a JSON header, with nothing in them that could run.

A file is the header's length (8 bytes, little-endian), the header, and the data. The header maps
each name to its dtype, shape and [begin, end) in the data, and "__metadata__" to a map of strings.

References:
    https://github.com/huggingface/safetensors (the format)
"""

from __future__ import annotations

import json
import math
import os
import reprlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import numpy as np
import numpy.typing as npt

from striate.io._atomic import atomic_writer

# In the order in which the reference implementation lays tensors out, widest first, so that each
# one is aligned to its own size.
_DTYPES = {
    "U64": "u8",
    "I64": "i8",
    "F64": "f8",
    "F32": "f4",
    "U32": "u4",
    "I32": "i4",
    "F16": "f2",
    "U16": "u2",
    "I16": "i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_RANKS = {name: rank for rank, name in enumerate(_DTYPES)}
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_MAX_HEADER_BYTES = 100_000_000  # the reference implementation's limit
_MAX_RANK = 64  # NumPy's limit

PathLike = str | os.PathLike[str]
Array = npt.NDArray[Any]


def save(
    path: PathLike, tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named arrays to a safetensors file, atomically.

    The bytes depend on the names, values and metadata alone: not on the mapping's order, the
    arrays' strides or the time. The file appears under its name when it is complete and on the
    disk; until then, and if anything fails, what was there before stays.

    Args:
        path: The file to write or replace; its folder must exist.
        tensors: Arrays of bool, (u)int8 to (u)int64 or float16 to float64, of any shape.
        metadata: Strings to keep beside them.

    Raises:
        TypeError: a name or a metadata entry is not a string, or a value is not an array of one of
            these dtypes.
        ValueError: a name is reserved or cannot be encoded.
        OSError: the file cannot be written.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(folder + "/w.safetensors", {"w": np.ones(2, np.float32)})
        ...     load(folder + "/w.safetensors")
        {'w': array([1., 1.], dtype=float32)}
    """
    layout = [(_RANKS[_dtype_name(name, array)], name) for name, array in tensors.items()]
    header: dict[str, object] = {}
    if metadata is not None:
        header[_METADATA] = _checked_metadata(metadata)
    end = 0
    for rank, name in sorted(layout):
        begin, end = end, end + tensors[name].nbytes
        header[name] = {
            "dtype": list(_DTYPES)[rank],
            "shape": list(tensors[name].shape),
            "data_offsets": [begin, end],
        }
    encoded = _encode_header(header)
    with atomic_writer(path) as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for _, name in sorted(layout):
            array = tensors[name]
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            file.write(little.reshape(-1).view(np.uint8).data)


def load(path: PathLike) -> dict[str, Array]:
    """Read all arrays of a safetensors file.

    The file may come from anywhere: every field is checked, nothing in it is executed, and no more
    memory is asked for than the file is long.

    Returns:
        The arrays by name, in the header's order; writable, C-contiguous, in native byte order.

    Raises:
        ValueError: the file breaks a rule of the format, or holds a dtype that NumPy lacks.
        OSError: the file cannot be read.

    Examples:
        See `save`.
    """
    return load_all(path)[0]


def load_metadata(path: PathLike) -> dict[str, str]:
    """Read the metadata of a safetensors file, {} if it has none; it is checked as `load` does it.

    Raises:
        ValueError: the file breaks a rule of the format.
        OSError: the file cannot be read.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(folder + "/w.safetensors", {}, {"author": "me"})
        ...     load_metadata(folder + "/w.safetensors")
        {'author': 'me'}
    """
    with open(path, "rb") as file:
        return _read_header(file).metadata


def load_all(path: PathLike) -> tuple[dict[str, Array], dict[str, str]]:
    """Read tensors and metadata of one and the same file."""
    with open(path, "rb") as file:
        header = _read_header(file)
        arrays = {name: _new_array(header, name) for name in header.tensors}
        for name in sorted(arrays, key=lambda name: header.tensors[name].span):
            array = arrays[name]
            if file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
                header.fail(
                    "the file must not change while it is read", f"less for {reprlib.repr(name)}"
                )
            if array.dtype == bool and (top := array.view(np.uint8).max(initial=0)) > 1:
                header.fail("BOOL values must be 0 or 1", _show(name, int(top)))
            if sys.byteorder == "big":
                array.byteswap(inplace=True)
    return arrays, header.metadata


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    span: tuple[int, int]


@dataclass
class _Header:
    path: str
    tensors: dict[str, _Tensor]
    metadata: dict[str, str]

    def fail(self, rule: str, got: str) -> NoReturn:
        raise ValueError(f"load: {self.path}: {rule}. Got {got}.")


def _dtype_name(name: str, array: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"save: names must be strings. Got {name!r}.")
    if name == _METADATA:
        raise ValueError(f"save: the name {_METADATA!r} is reserved for metadata.")
    if not isinstance(array, np.ndarray):
        raise TypeError(f"save: values must be NumPy arrays. Got {name}={type(array).__name__}.")
    dtype_name = _NAMES.get(array.dtype.newbyteorder("="))
    if dtype_name is None:
        raise TypeError(f"save: dtypes must be one of {_supported()}. Got {name}: {array.dtype}.")
    return dtype_name


def _supported() -> str:
    return ", ".join(sorted(str(dtype) for dtype in _NAMES))


def _checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"save: metadata must map strings to strings. Got {key!r}: {value!r}.")
    return dict(sorted(metadata.items()))


def _encode_header(header: Mapping[str, object]) -> bytes:
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:  # a lone surrogate
        bad = error.object[error.start : error.end]
        raise ValueError(f"save: names and metadata must be valid Unicode. Got {bad!r}.") from None
    padded = text + b" " * (-len(text) % 8)
    if len(padded) > _MAX_HEADER_BYTES:
        raise ValueError(
            f"save: the header must take at most {_MAX_HEADER_BYTES} bytes. Got {len(padded)}."
        )
    return padded


def _new_array(header: _Header, name: str) -> Array:
    tensor = header.tensors[name]
    try:
        return np.empty(tensor.shape, _DTYPES[tensor.dtype])
    except (ValueError, OverflowError):  # too many axes, or one too long beside an empty one
        header.fail("shapes must be such that NumPy can hold them", _show(name, tensor.shape))


def _read_header(file: BinaryIO) -> _Header:
    """Check the header against the format and the file's size, and stop where the data begin."""
    header = _Header(str(file.name), {}, {})
    size = os.fstat(file.fileno()).st_size
    if size < 8:
        header.fail("the file must begin with the 8 bytes of the header's length", f"{size} bytes")
    length = int.from_bytes(file.read(8), "little")
    limit = min(size - 8, _MAX_HEADER_BYTES)
    if length > limit:
        header.fail(f"the header must take at most {limit} bytes here", str(length))
    fields = _parse(header, file.read(length))
    metadata = fields.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        header.fail(f"{_METADATA} must map strings to strings", reprlib.repr(metadata))
    header.metadata.update(metadata)
    for name, entry in fields.items():
        header.tensors[name] = _parse_tensor(header, name, entry)
    _check_spans(header, size - 8 - length)
    return header


def _parse(header: _Header, text: bytes) -> dict[str, Any]:
    repeated: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.extend(name for name in fields if counts[name] > 1)
        return fields

    if not text.startswith(b"{"):
        header.fail("the header must begin with '{'", repr(text[:8]))
    try:
        fields: dict[str, Any] = json.loads(text.decode(), object_pairs_hook=collect)
        "".join(fields).encode()  # an escaped lone surrogate is JSON, but no Unicode
    except (ValueError, RecursionError) as error:
        header.fail("the header must be JSON in UTF-8", f"{type(error).__name__}: {error}")
    if repeated:
        header.fail("names must be unique in the header", f"{reprlib.repr(repeated[0])} twice")
    return fields


def _parse_tensor(header: _Header, name: str, entry: object) -> _Tensor:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        rule = "each entry must have the fields dtype, shape and data_offsets alone"
        header.fail(rule, _show(name, entry))
    dtype, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype == "BF16":
        header.fail("dtypes must be ones of NumPy, which has no bfloat16", _show(name, dtype))
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        header.fail(f"dtypes must be one of {', '.join(_DTYPES)}", _show(name, dtype))
    if not _are_sizes(shape):
        rule = f"shapes must be lists of at most {_MAX_RANK} sizes"
        header.fail(rule, _show(name, shape))
    if not _are_sizes(span) or len(span) != 2 or span[0] > span[1]:
        header.fail("data_offsets must be [begin, end] with begin <= end", _show(name, span))
    nbytes = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if span[1] - span[0] != nbytes:
        rule = "data_offsets must span what dtype and shape take"
        header.fail(rule, f"{_show(name, entry)} for {reprlib.repr(nbytes)} bytes")
    return _Tensor(dtype, tuple(shape), (span[0], span[1]))


def _are_sizes(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= _MAX_RANK
        and all(type(item) is int and 0 <= item < 2**63 for item in value)
    )


def _check_spans(header: _Header, data_bytes: int) -> None:
    """The data must be covered from beginning to end, with neither gap nor overlap."""
    position, previous = 0, "the beginning"
    for name, tensor in sorted(header.tensors.items(), key=lambda item: item[1].span):
        begin, end = tensor.span
        if begin != position:
            rule = "tensors must follow each other without gap or overlap"
            header.fail(rule, f"{previous} up to {position}, then {_show(name, [begin, end])}")
        position, previous = end, reprlib.repr(name)
    if position != data_bytes:
        rule = "the data must end where the last tensor does"
        header.fail(rule, f"{data_bytes} bytes, and {position} in tensors")


def _show(name: str, value: object) -> str:
    return f"{reprlib.repr(name)}: {reprlib.repr(value)}"
