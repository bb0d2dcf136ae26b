"""Safetensors files: round trips, the reference implementation, hostile files, atomic writes."""

from __future__ import annotations

import json
import os
import stat
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from striate import io
from striate.io._atomic import atomic_writer

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def build(header, data=b"", length=None):
    """A file's bytes, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), span=(0, 4), **others):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span), **others}


def assert_same(loaded, saved):
    assert loaded.keys() == saved.keys()
    for name, array in saved.items():
        got = loaded[name]
        assert got.dtype == array.dtype.newbyteorder("=")
        assert got.shape == array.shape
        assert got.tobytes() == np.ascontiguousarray(array, got.dtype).tobytes()
        assert got.flags.writeable
        assert got.flags.owndata
        assert got.flags.c_contiguous
        assert got.dtype.isnative


class TestRoundTrip:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_dtypes_and_byte_orders(self, tmp_path, dtype, order):
        saved = {"a": np.arange(-3, 9).reshape(3, 4).astype(dtype).astype(order + dtype)}
        io.save(tmp_path / "f", saved)
        assert_same(io.load(tmp_path / "f"), saved)

    def test_shapes_and_strides(self, tmp_path):
        base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        saved = {
            "scalar": np.array(2.5),
            "empty": np.zeros((0, 5), np.int16),
            "transposed": base.T,
            "backwards": base[::-1, :, ::2],
            "broadcast": np.broadcast_to(np.float32(7), (3, 3)),
            "": np.array([True, False]),
            "Größe.\n": np.array([np.nan, -0.0, np.inf], np.float16),
        }
        io.save(tmp_path / "f", saved)
        assert_same(io.load(tmp_path / "f"), saved)

    def test_nothing(self, tmp_path):
        io.save(tmp_path / "f", {})
        assert io.load(tmp_path / "f") == {}
        assert io.load_metadata(tmp_path / "f") == {}

    def test_metadata(self, tmp_path):
        metadata = {"b": "1", "a": "äöü", "": ""}
        io.save(tmp_path / "f", {"x": np.zeros(3)}, metadata)
        assert io.load_metadata(tmp_path / "f") == metadata
        assert list(io.load(tmp_path / "f")) == ["x"]

    def test_bytes_depend_on_the_content_alone(self, tmp_path):
        a, b = np.arange(6.0).reshape(2, 3), np.arange(4, dtype=np.int8)
        io.save(tmp_path / "f", {"a": a, "b": b}, {"k": "1", "j": "2"})
        io.save(
            tmp_path / "g", {"b": b, "a": np.asfortranarray(a).astype(">f8")}, {"j": "2", "k": "1"}
        )
        assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes()

    def test_data_are_aligned(self, tmp_path):
        io.save(
            tmp_path / "f", {"a": np.zeros(3, np.int8), "b": np.zeros(5), "c": np.zeros(1, "i2")}
        )
        content = (tmp_path / "f").read_bytes()
        length = int.from_bytes(content[:8], "little")
        assert length % 8 == 0
        for tensor in json.loads(content[8 : 8 + length]).values():
            size = {"I8": 1, "I16": 2, "F64": 8}[tensor["dtype"]]
            assert tensor["data_offsets"][0] % size == 0

    @given(
        st.dictionaries(
            st.text(max_size=8).filter(lambda name: name != "__metadata__"),
            st.sampled_from(DTYPES).flatmap(
                lambda dtype: hnp.arrays(
                    dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
                )
            ),
            max_size=4,
        ),
        st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    )
    @settings(max_examples=60, deadline=None)
    def test_anything(self, tmp_path_factory, tensors, metadata):
        path = tmp_path_factory.mktemp("io") / "f"
        io.save(path, tensors, metadata)
        assert_same(io.load(path), tensors)
        assert io.load_metadata(path) == (metadata or {})


class TestReferenceImplementation:
    TENSORS = {  # noqa: RUF012
        f"layer.{i}.{dtype}": np.arange(i, dtype=dtype.replace("?", "u1")).astype(dtype)
        for i in range(3)
        for dtype in DTYPES
    }

    def test_it_reads_what_we_write(self, tmp_path):
        reference = pytest.importorskip("safetensors.numpy")
        io.save(tmp_path / "f", self.TENSORS, {"a": "b"})
        assert_same(io.load(tmp_path / "f"), self.TENSORS)
        theirs = reference.load_file(tmp_path / "f")
        assert theirs.keys() == self.TENSORS.keys()
        for name, array in self.TENSORS.items():
            np.testing.assert_array_equal(theirs[name], array, strict=True)

    def test_we_read_what_it_writes(self, tmp_path):
        reference = pytest.importorskip("safetensors.numpy")
        reference.save_file(self.TENSORS, tmp_path / "f", {"a": "b"})
        assert_same(io.load(tmp_path / "f"), self.TENSORS)
        assert io.load_metadata(tmp_path / "f") == {"a": "b"}

    def test_the_bytes_are_the_same(self, tmp_path):
        reference = pytest.importorskip("safetensors.numpy")
        io.save(tmp_path / "f", self.TENSORS)
        assert (tmp_path / "f").read_bytes() == reference.save(self.TENSORS)


class TestSaveErrors:
    @pytest.mark.parametrize(
        ("tensors", "metadata", "error", "message"),
        [
            ({1: np.zeros(1)}, None, TypeError, "names must be strings. Got 1"),
            ({"__metadata__": np.zeros(1)}, None, ValueError, "reserved"),
            ({"\ud800": np.zeros(1)}, None, ValueError, "valid Unicode"),
            ({"a": [1.0]}, None, TypeError, "NumPy arrays. Got a=list"),
            ({"a": np.zeros(1, complex)}, None, TypeError, "one of bool, .*. Got a: complex128"),
            ({"a": np.array([None])}, None, TypeError, "Got a: object"),
            ({"a": np.array(["x"])}, None, TypeError, "Got a: <U1"),
            ({"a": np.zeros(1, "M8[s]")}, None, TypeError, "Got a: datetime64"),
            ({}, {"a": 1}, TypeError, "strings to strings. Got 'a': 1"),
        ],
    )
    def test_wrong_arguments(self, tmp_path, tensors, metadata, error, message):
        with pytest.raises(error, match=f"^save: .*{message}"):
            io.save(tmp_path / "f", tensors, metadata)
        assert not list(tmp_path.iterdir())


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "8 bytes of the header's length. Got 0 bytes"),
            (b"1234567", "Got 7 bytes"),
            (build(b"{}", length=3), "header must take at most 2 bytes here. Got 3"),
            (build(b"{}", length=2**64 - 1), "Got 18446744073709551615"),
            (build(b""), "begin with '{'. Got b''"),
            (build(b" {}"), "begin with '{'"),
            (build(b"[]"), "begin with '{'"),
            (build(b"{"), "must be JSON in UTF-8. Got JSONDecodeError"),
            (build(b"{}{}"), "must be JSON in UTF-8"),
            (build(b'{"\xff": 1}'), "UnicodeDecodeError"),
            (build(b'{"\\ud800": 1}'), "UnicodeEncodeError"),
            (build(b'{"a": ' + b"[" * 100_000), "RecursionError|JSONDecodeError"),
            (build(b'{"a": ' + b"9" * 10_000 + b"}"), "must be JSON"),
            (build(b'{"a": 1, "a": 1}'), "unique in the header. Got 'a' twice"),
            (build(b'{"a": {"dtype": 1, "dtype": 1}}'), "unique in the header. Got 'dtype' twice"),
            (build({"__metadata__": []}), "strings to strings"),
            (build({"__metadata__": {"a": 1}}), "strings to strings"),
            (build({"a": 1}), "fields dtype, shape and data_offsets alone. Got 'a': 1"),
            (build({"a": {"dtype": "F32", "shape": []}}), "fields dtype, shape"),
            (build({"a": entry(more=1)}), "fields dtype, shape and data_offsets alone"),
            (build({"a": entry("BF16", span=(0, 2))}), "has no bfloat16. Got 'a': 'BF16'"),
            (build({"a": entry("f32")}), "dtypes must be one of U64, .*. Got 'a': 'f32'"),
            (build({"a": entry(["F32"])}), "dtypes must be one of"),
            (build({"a": entry(shape=[-1])}), "shapes must be"),
            (build({"a": entry(shape=[1.0])}), "shapes must be"),
            (build({"a": entry(shape=[True])}), "shapes must be"),
            (build({"a": entry(shape=[2**63])}), "shapes must be"),
            (build({"a": entry(shape=[1] * 65)}), "at most 64 sizes"),
            (build({"a": entry(shape=[2**62] * 64)}), "must span what dtype and shape take"),
            (build({"a": entry(shape=[0, 2**62, 2**62], span=(0, 0))}), "NumPy can hold them"),
            (build({"a": entry(span=(4, 0))}), "begin <= end"),
            (build({"a": entry(span=(0, 4, 8))}), "begin <= end"),
            (build({"a": entry(span=(0, 8))}, bytes(8)), "must span what dtype and shape take"),
            (build({"a": entry()}), "the data must end where the last tensor does. Got 0 bytes"),
            (build({"a": entry()}, bytes(5)), "must end where the last tensor does. Got 5 bytes"),
            (build({}, b"x"), "must end where the last tensor does"),
            (
                build({"a": entry(span=(4, 8))}, bytes(8)),
                "gap or overlap. Got the beginning up to 0",
            ),
            (
                build({"a": entry(), "b": entry(span=(2, 6))}, bytes(6)),
                r"gap or overlap. Got 'a' up to 4, then 'b': \[2, 6\]",
            ),
            (build({"a": entry(), "b": entry(span=(8, 12))}, bytes(12)), "gap or overlap"),
            (build({"a": entry(), "b": entry()}, bytes(4)), "gap or overlap"),
            (build({"a": entry("BOOL", span=(0, 1))}, b"\2"), "must be 0 or 1. Got 'a': 2"),
        ],
    )
    def test_each_rule(self, tmp_path, content, message):
        path = tmp_path / "f.safetensors"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            io.load(path)
        assert str(caught.value).startswith(f"load: {path}: ")
        assert len(str(caught.value)) < 600

    def test_any_order_and_white_space(self, tmp_path):
        header = {"b": entry(span=(4, 8)), "e": entry(shape=[0], span=(4, 4)), "a": entry()}
        text = json.dumps(header, indent=3).encode() + b"  \n "
        (tmp_path / "f").write_bytes(build(text, np.array([1, 2], "<f4").tobytes()))
        loaded = io.load(tmp_path / "f")
        assert list(loaded) == ["b", "e", "a"]
        assert (loaded["a"][0], loaded["b"][0]) == (1, 2)

    def test_every_truncation(self, tmp_path):
        path = tmp_path / "f"
        io.save(path, {"a": np.arange(3.0), "b": np.ones((2, 2), np.int8)}, {"k": "v"})
        content = path.read_bytes()
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(ValueError, match=r"^load: "):
                io.load(path)

    def test_every_bit_flip(self, tmp_path):
        path = tmp_path / "f"
        io.save(path, {"a": np.arange(3.0), "b": np.ones((2, 2), np.bool_)}, {"k": "v"})
        content = path.read_bytes()
        tracemalloc.start()
        try:
            for bit in range(8 * len(content)):
                changed = bytearray(content)
                changed[bit // 8] ^= 1 << bit % 8
                path.write_bytes(changed)
                try:
                    loaded = io.load(path)
                except ValueError as error:
                    assert str(error).startswith("load: ")  # noqa: PT017
                else:
                    assert sum(array.nbytes for array in loaded.values()) == 28
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2_000_000

    def test_many_repeated_names_take_no_time(self, tmp_path):
        names = ",".join(f'"{i % 99_999}": 1' for i in range(100_000))
        (tmp_path / "f").write_bytes(build(b"{" + names.encode() + b"}"))
        with pytest.raises(ValueError, match="'0' twice"):
            io.load(tmp_path / "f")

    def test_no_regular_file(self, tmp_path):
        with pytest.raises(IsADirectoryError):
            io.load(tmp_path)
        with pytest.raises(ValueError, match="Got 0 bytes"):
            io.load("/dev/null")
        with pytest.raises(FileNotFoundError):
            io.load(tmp_path / "missing")


class TestAtomicWrites:
    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
    @pytest.mark.parametrize("when", ["writing", "replacing"])
    def test_failure_keeps_the_old_file(self, tmp_path, monkeypatch, error, when):
        path = tmp_path / "f"
        path.write_bytes(b"old")

        def fail(*_):
            raise error

        if when == "replacing":
            monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(error), atomic_writer(path) as file:  # noqa: PT012
            file.write(b"new")
            if when == "writing":
                fail()
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    def test_the_old_file_stays_until_the_end(self, tmp_path):
        path = tmp_path / "f"
        path.write_bytes(b"old")
        with atomic_writer(path) as file:
            file.write(b"new")
            file.flush()
            assert path.read_bytes() == b"old"
        assert path.read_bytes() == b"new"
        assert list(tmp_path.iterdir()) == [path]

    def test_data_reach_the_disk_before_the_name_does(self, tmp_path, monkeypatch):
        calls = []
        fsync, replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
        monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
        io.save(tmp_path / "f", {"a": np.zeros(2)})
        assert calls == ["fsync", "replace", "fsync"]

    def test_permissions_of_a_new_file_follow_the_umask(self, tmp_path):
        umask = os.umask(0o027)
        try:
            io.save(tmp_path / "f", {})
        finally:
            os.umask(umask)
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640

    def test_permissions_of_an_old_file_stay(self, tmp_path):
        path = tmp_path / "f"
        path.touch()
        path.chmod(0o604)
        io.save(path, {})
        assert stat.S_IMODE(path.stat().st_mode) == 0o604

    def test_a_link_stays_a_link(self, tmp_path):
        (tmp_path / "far").mkdir()
        target, link = tmp_path / "far" / "f", tmp_path / "link"
        target.write_bytes(b"old")
        link.symlink_to(target)
        io.save(link, {"a": np.zeros(1)})
        assert link.is_symlink()
        assert list(io.load(target)) == ["a"]

    def test_what_is_no_file_is_left_alone(self, tmp_path):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with pytest.raises(OSError, match="not a regular file"):
            io.save(pipe, {})
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        with pytest.raises(IsADirectoryError):
            io.save(tmp_path, {})
        with pytest.raises(FileNotFoundError):
            io.save(tmp_path / "missing" / "f", {})

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_read_only_file_is_kept(self, tmp_path):
        path = tmp_path / "f"
        path.write_bytes(b"old")
        path.chmod(0o444)
        with pytest.raises(PermissionError):
            io.save(path, {})
        assert path.read_bytes() == b"old"

    def test_a_long_name(self, tmp_path):
        io.save(tmp_path / ("n" * 255), {})
