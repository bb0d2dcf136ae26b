"""Fails where _core.pyi and the compiled module name different functions. usage: check_stubs.py"""

from __future__ import annotations

import ast
import sys
from importlib import resources

from striate import _core


def stub_names(text: str) -> set[str]:
    """Collect the stub's functions, and the members of its protocol, which are functions too."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
            continue
        for item in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(item, ast.FunctionDef):
                names.add(item.name)
            elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                names.add(item.target.id)
    return {name for name in names if not name.startswith("_")}


def main() -> int:
    files = resources.files("striate")
    if not files.joinpath("py.typed").is_file():
        print("check_stubs: the installed package has no py.typed")
        return 1
    stub = stub_names(files.joinpath("_core.pyi").read_text())
    compiled = {name for name in dir(_core) if not name.startswith("_")}
    for name in sorted(stub ^ compiled):
        print(f"check_stubs: {name} is missing in the {'module' if name in stub else 'stub'}")
    if stub != compiled:
        return 1
    print(f"{len(stub)} functions have their stubs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
