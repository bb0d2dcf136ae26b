"""Reading and writing tensors: safetensors files."""

from __future__ import annotations

from striate.io._safetensors import load, load_metadata, save

__all__ = ["load", "load_metadata", "save"]
