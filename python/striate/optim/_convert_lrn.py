"""LRN's hyper-parameters, from one framework's convention to another's."""

from __future__ import annotations

from typing import Any, NoReturn

Settings = dict[str, Any]

# Each framework's name of the layer, its names for size, alpha, beta and k, and their defaults; a
# default of None must be given.
_NAMES: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "striate": (
        "LocalResponseNorm",
        {"size": ("size", None), "alpha": ("alpha", 1e-4), "beta": ("beta", 0.75), "k": ("k", 1.0)},
    ),
    "torch": (
        "LocalResponseNorm",
        {"size": ("size", None), "alpha": ("alpha", 1e-4), "beta": ("beta", 0.75), "k": ("k", 1.0)},
    ),
    "caffe": (
        "LRN",
        {
            "size": ("local_size", 5),
            "alpha": ("alpha", 1.0),
            "beta": ("beta", 0.75),
            "k": ("k", 1.0),
        },
    ),
    "onnx": (
        "LRN",
        {
            "size": ("size", None),
            "alpha": ("alpha", 1e-4),
            "beta": ("beta", 0.75),
            "k": ("bias", 1.0),
        },
    ),
    "tensorflow": (
        "local_response_normalization",
        {
            "size": ("depth_radius", 5),
            "alpha": ("alpha", 1.0),
            "beta": ("beta", 0.5),
            "k": ("bias", 1.0),
        },
    ),
    "paper": (
        "LRN",
        {"size": ("n", None), "alpha": ("alpha", None), "beta": ("beta", None), "k": ("k", None)},
    ),
}
TYPES = frozenset(name for name, _ in _NAMES.values())

# The convention of striate in which each framework's alpha and even windows are read.
_CONVENTION = {
    "torch": "torch",
    "caffe": "torch",
    "onnx": "onnx",
    "tensorflow": "paper",
    "paper": "paper",
}


def convert(settings: Settings, from_: str, to: str) -> Settings:
    """Return the settings of the same layer in another framework, or raise."""
    for name, value in (("from_", from_), ("to", to)):
        if value not in _NAMES:
            _refuse(f"{name} must be one of {', '.join(_NAMES)} for LRN", repr(value))
    return _write(_read(settings, from_), to)


def _read(settings: Settings, framework: str) -> Settings:
    """Return size, alpha, beta, k, region and convention, as `nn.LocalResponseNorm` takes them."""
    name, fields = _NAMES[framework]
    if settings.pop("type") != name:
        _refuse(f"{framework}'s LRN has the type {name!r}", f"{framework}")
    region, convention = "across", _CONVENTION.get(framework, "torch")
    if framework == "caffe":
        regions = {"ACROSS_CHANNELS": "across", "WITHIN_CHANNEL": "within"}
        given = settings.pop("norm_region", "ACROSS_CHANNELS")
        if given not in regions:
            _refuse(f"norm_region must be one of {', '.join(regions)}", repr(given))
        region = regions[given]
    if framework == "striate":
        region = settings.pop("region", "across")
        convention = settings.pop("convention", "torch")
    unknown = sorted(set(settings) - {own for own, _ in fields.values()})
    if unknown:
        _refuse(
            f"{framework}'s LRN has {', '.join(own for own, _ in fields.values())}", str(unknown)
        )
    result: Settings = {}
    for ours, (own, default) in fields.items():
        result[ours] = settings.get(own, default)
        if result[ours] is None:
            _refuse(f"{framework}'s LRN needs {own}", str(settings))
    if framework == "tensorflow":
        result["size"] = 2 * result["size"] + 1
    if framework == "caffe":
        if result["size"] % 2 == 0:
            _refuse("caffe takes odd sizes only", f"local_size={result['size']}")
        if region == "within":
            result["k"] = 1.0  # caffe ignores k within a channel
    return {**result, "region": region, "convention": convention}


def _write(s: Settings, framework: str) -> Settings:
    name, fields = _NAMES[framework]
    if framework == "striate":
        return {"type": name, **s}
    size, target = s["size"], _CONVENTION[framework]
    if s["region"] == "within":
        if framework != "caffe":
            _refuse(f"{framework} has no LRN within a channel", "region='within'")
        if s["k"] != 1:
            _refuse("caffe ignores k within a channel", f"k={s['k']}")
    elif size % 2 == 0 and s["convention"] != target:
        windows = {
            "torch": "one more channel before than after",
            "onnx": "one more channel after than before",
            "paper": "size + 1 channels",
        }
        _refuse(
            f"an even window has {windows[s['convention']]} by the convention that is read, and "
            f"{windows[target]} in {framework}",
            f"size={size}",
        )
    if framework in ("caffe", "tensorflow") and size % 2 == 0:
        _refuse(f"{framework} takes odd sizes only", f"size={size}")
    values = {key: s[key] for key in ("size", "alpha", "beta", "k")}
    if s["region"] == "across":
        # "paper" does not divide alpha by the size; the others do.
        if s["convention"] == "paper" and target != "paper":
            values["alpha"] = s["alpha"] * size
        elif s["convention"] != "paper" and target == "paper":
            values["alpha"] = s["alpha"] / size
    if framework == "tensorflow":
        values["size"] = (size - 1) // 2
    result = {"type": name, **{own: values[ours] for ours, (own, _) in fields.items()}}
    if framework == "caffe":
        within = s["region"] == "within"
        result["norm_region"] = "WITHIN_CHANNEL" if within else "ACROSS_CHANNELS"
    return result


def _refuse(rule: str, got: str) -> NoReturn:
    raise ValueError(f"convert: {rule}. Got {got}.")
