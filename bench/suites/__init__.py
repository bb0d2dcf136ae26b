"""The rows of the benchmark."""

from __future__ import annotations

from bench.case import Case

from . import ops, training


def cases(quick: bool) -> list[Case]:
    """Return all rows; `quick` ones are small, so that the NumPy reference is done in no time."""
    return [*ops.cases(quick), *training.cases(quick)]
