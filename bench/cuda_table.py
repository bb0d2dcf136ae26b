"""What ptxas says of every CUDA kernel: registers, shared memory and spills; needs no device.

usage: python -m bench.cuda_table [--write] [--only REGEX] [sm_80 sm_90a sm_120]

Compiles each csrc/cuda/**/*.cu for the architectures, warnings being errors, and prints a table of
the greatest numbers of each kernel's instances. --write puts it into docs/cuda.md instead; the rows
of families that --only leaves out stay there as they are.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
ARCHITECTURES = ("sm_80", "sm_90a", "sm_120")
FLAGS = ("-std=c++17", "-O3", "--fmad=false", "--expt-relaxed-constexpr", "-Werror=all-warnings")
MARKERS = ("<!-- ptxas: begin -->", "<!-- ptxas: end -->")


@dataclass
class Usage:
    """The greatest of a kernel's instances."""

    instances: set[str] = field(default_factory=set)
    registers: dict[str, int] = field(default_factory=dict)  # by architecture
    shared: int = 0
    stack: int = 0
    spills: int = 0


def compile_verbose(source: Path, architecture: str) -> str:
    """Compile one file and return what ptxas said, demangled."""
    command = ["nvcc", *FLAGS, f"-arch={architecture}", f"-I{ROOT / 'csrc'}", "-cubin"]
    command += ["-DSTRIATE_CUDA_BACKEND", "-Xptxas=-v", "-o", "/dev/null", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{source.relative_to(ROOT)}, {architecture}:\n{done.stdout}{done.stderr}")
    names = subprocess.run(
        ["c++filt"], input=done.stderr, capture_output=True, text=True, check=True
    )
    return names.stdout


def collect(text: str, family: str, architecture: str, table: dict[tuple[str, str], Usage]) -> None:
    """Add one file's kernels to the table."""
    entry: Usage | None = None
    for line in text.splitlines():
        if "Compiling entry function" in line:
            mangled = line.split("'")[1]
            short = re.search(r"(\w+_kernel\w*)", mangled)
            name = short.group(1) if short else mangled
            entry = table[family, name]
            entry.instances.add(mangled)
        elif entry is not None and "stack frame" in line:
            numbers = [int(n) for n in re.findall(r"(\d+) bytes", line)]
            entry.stack = max(entry.stack, numbers[0])
            entry.spills = max(entry.spills, sum(numbers[1:3]))
        elif entry is not None and "registers" in line:
            used = int(re.search(r"Used (\d+) registers", line).group(1))  # type: ignore[union-attr]
            entry.registers[architecture] = max(entry.registers.get(architecture, 0), used)
            shared = re.search(r"(\d+) bytes smem", line)
            entry.shared = max(entry.shared, int(shared.group(1)) if shared else 0)


def markdown(
    table: dict[tuple[str, str], Usage], architectures: tuple[str, ...], kept: list[str]
) -> str:
    """Format the table, with the rows that are kept of an older one."""
    registers = ", ".join(architectures)
    lines = [
        f"| kernel | instances | registers ({registers}) | shared, bytes | spilled, bytes |",
        "|---|---|---|---|---|",
    ]
    rows = kept
    for (family, name), usage in table.items():
        counts = ", ".join(str(usage.registers.get(a, "-")) for a in architectures)
        rows.append(
            f"| {family} `{name}` | {len(usage.instances)} | {counts} | {usage.shared} "
            f"| {usage.spills} |"
        )
    spilled = sum(not row.endswith("| 0 |") for row in rows)
    lines += [*sorted(rows), "", f"{len(rows)} kernels, {spilled} of them spill."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architectures", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--write", action="store_true", help="put the table into docs/cuda.md")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), help="families")
    arguments = parser.parse_args()
    architectures = tuple(arguments.architectures)
    table: dict[tuple[str, str], Usage] = defaultdict(Usage)
    every = sorted((ROOT / "csrc/cuda").rglob("*.cu"))
    sources = [s for s in every if arguments.only.search(s.parent.name)]
    left_out = {s.parent.name for s in every} - {s.parent.name for s in sources}
    jobs = [(source, architecture) for source in sources for architecture in architectures]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        texts = pool.map(lambda job: compile_verbose(*job), jobs)
        for (source, architecture), text in zip(jobs, texts, strict=True):
            collect(text, source.parent.name, architecture, table)
    if not arguments.write:
        print(markdown(table, architectures, []))
        return
    page = ROOT / "docs/cuda.md"
    before, rest = page.read_text().split(MARKERS[0])
    old, after = rest.split(MARKERS[1])
    rows = [line for line in old.splitlines() if line.startswith("| ")]
    kept = [row for row in rows if row.split()[1] in left_out]
    result = markdown(table, architectures, kept)
    page.write_text(f"{before}{MARKERS[0]}\n{result}\n{MARKERS[1]}{after}")


if __name__ == "__main__":
    main()
