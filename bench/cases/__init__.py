"""The rows of the benchmark: every operation at sizes of real networks, and training steps."""

from __future__ import annotations

from bench.case import Case

from . import activation, conv, dropout, linear, loss, lrn, optimizer, pool, training

_FAMILIES = (conv, linear, pool, lrn, activation, dropout, loss, optimizer, training)


def cases(quick: bool) -> list[Case]:
    """Return all rows; `quick` ones are small, so that the NumPy reference is done in no time."""
    return [case for family in _FAMILIES for case in family.cases(quick)]
