"""The command line of single tables."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

# striate before PyTorch, as in bench/__main__.py.
import striate  # noqa: F401
from bench.cuda.measure import measure
from bench.cuda.tables import TABLES


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the tables that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.cuda", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument("--only", metavar="PATTERN", type=re.compile, help="rows with this regex")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")
    parsed = parser.parse_args(arguments)
    unknown = set(parsed.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    return measure(parsed.tables or list(TABLES), parsed.quick, parsed.only, parsed.json)


if __name__ == "__main__":
    sys.exit(main())
