"""Weights of an earlier training."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from striate.nn import Module


@dataclass(frozen=True)
class PretrainedReport:
    """What `pretrained` did with each tensor, by the net's dotted names.

    Attributes:
        loaded: what was loaded.
        skipped: what was in the file, and was asked to stay as it is.
        mismatched: what has another shape or kind of dtype in the file: (name, the net's, the
            file's).
        missing: what the net has, and the file has not.
        unexpected: what the file has, by its name there, and the net has not.
    """

    loaded: tuple[str, ...]
    skipped: tuple[str, ...]
    mismatched: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"loaded {len(self.loaded)} tensors"]
        for title, names in (
            ("skipped", self.skipped),
            ("missing in the file", self.missing),
            ("unknown to the net", self.unexpected),
        ):
            lines += [f"  {title}: {name}" for name in names]
        lines += [
            f"  mismatched: {name} is {own} in the net and {there} in the file"
            for name, own, there in self.mismatched
        ]
        return "\n".join(lines)


def pretrained(
    net: Module,
    path: str | os.PathLike[str],
    *,
    skip: Sequence[str] = (),
    map: Mapping[str, str] | Callable[[str], str | None] | None = None,
) -> PretrainedReport:
    """Load what fits of a safetensors file into a net, and tell what was done with the rest.

    Nothing else of the net changes, so that the layers of another task keep their initial weights.
    float16 and float64 are converted to the parameters' dtype. Keys named `num_batches_tracked` are
    ignored. A file of `Trainer.save` is loaded as well: there the names have "model." before them.

    Args:
        net: changed in place.
        path: the file.
        skip: names of the net, or patterns such as "classifier.*", that are not to be loaded.
        map: from the file's names to the net's: a mapping from prefixes ({"backbone.": ""}; of
            several that fit, the longest counts), or a function that returns a name, or None for
            what is to be left out.

    Returns:
        A report, which prints itself.

    Raises:
        ValueError: the file is no safetensors file, or two of its tensors get one name.
        OSError: the file cannot be read.

    References:
        Yosinski et al., How transferable are features in deep neural networks? (2014).

    Examples:
        >>> import tempfile
        >>> from striate import init, io, nn
        >>> old = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10), rng=1)
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), rng=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     io.save(folder + "/old.safetensors", old.state_dict())
        ...     print(init.pretrained(net, folder + "/old.safetensors"))
        loaded 2 tensors
          mismatched: 2.weight is (3, 8) float32 in the net and (10, 8) float32 in the file
          mismatched: 2.bias is (3,) float32 in the net and (10,) float32 in the file
        >>> bool((net[0].weight.data == old[0].weight.data).all())
        True
    """
    from striate.io._safetensors import load_all

    tensors, metadata = load_all(path)
    rename = _renaming(map)
    if "trainer" in metadata:
        prefix = "model."
        tensors = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    found: dict[str, tuple[str, Any]] = {}
    for key, array in tensors.items():
        name = rename(key)
        if name is None or name.rpartition(".")[2] == "num_batches_tracked":
            continue
        if name in found:
            raise ValueError(
                f"pretrained: each tensor must have a name of its own. "
                f"Got {name!r} for {found[name][0]!r} and {key!r}."
            )
        found[name] = key, array

    own = net.state_dict()
    loaded: dict[str, Any] = {}
    skipped, mismatched = [], []
    for name in own:
        if name not in found:
            continue
        _, array = found[name]
        if any(fnmatchcase(name, pattern) for pattern in skip):
            skipped.append(name)
        elif array.shape != own[name].shape or array.dtype.kind != "f":
            mismatched.append((name, _describe(own[name]), _describe(array)))
        else:
            loaded[name] = np.ascontiguousarray(array, own[name].dtype)
    net.load_state_dict(loaded, strict=False)
    return PretrainedReport(
        tuple(loaded),
        tuple(skipped),
        tuple(mismatched),
        tuple(name for name in own if name not in found),
        tuple(key for name, (key, _) in found.items() if name not in own),
    )


def _renaming(
    map: Mapping[str, str] | Callable[[str], str | None] | None,
) -> Callable[[str], str | None]:
    if map is None:
        return lambda key: key
    if callable(map):
        return map
    prefixes = sorted(map, key=len, reverse=True)

    def rename(key: str) -> str:
        for prefix in prefixes:
            if key.startswith(prefix):
                return map[prefix] + key[len(prefix) :]
        return key

    return rename


def _describe(array: Any) -> str:
    return f"{array.shape} {array.dtype}"
