"""Is everything right on this GPU, and how fast is it? One command, one table, less than 8 minutes on one card.

    python -m benchmarks.gpu [--wheels FOLDER] [--only SECTION ...] [--tiny] [--device cpu] [--minutes 8]

It needs torch, numpy and timm. Sections that need more than is installed name it and are skipped; `--wheels` is a
folder of wheels to take it from: on a machine like it, `pip download -d FOLDER sfcmt-*.whl`. The last column says
whether a result is right (`ok`, `WRONG`); figures of speed have none. The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks.gpu.bench import Bench, Row
from benchmarks.gpu.wheels import use_wheels

SECTIONS = ("card", "losses", "networks", "methods", "resume", "step", "loader", "trials", "cards", "compile")


def main(given: list[str] | None = None) -> int:
    """Run the sections, and print their rows as they come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--tiny", action="store_true", help="sizes for a CPU, to see that all of it runs")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0)
    arguments = parser.parse_args(given)
    if arguments.wheels:
        use_wheels(arguments.wheels)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        deadline = time.monotonic() + 60 * arguments.minutes
        bench = Bench(arguments.device, arguments.tiny, deadline, Path(folder))
        if problem := bench.problem():
            print(problem, file=sys.stderr)
            return 2
        print(bench.title())
        verdicts = [row.verdict for section in arguments.only for row in _rows(section, bench)]
    print(f"{verdicts.count('ok')} ok, {verdicts.count('WRONG')} wrong, {verdicts.count('skipped')} skipped")
    return int("WRONG" in verdicts)


def _rows(section: str, bench: Bench) -> list[Row]:
    """All rows of a section, printed; what breaks it is one more."""
    rows: list[Row] = []

    def add(row: Row) -> None:
        rows.append(row)
        print(row.line(section), flush=True)

    if bench.is_over():
        add(Row("all", "no time left", "skipped"))
        return rows
    try:
        for row in import_module(f"benchmarks.gpu.{section}").rows(bench):
            add(row)
            if bench.is_over():
                add(Row("the rest", "no time left", "skipped"))
                break
    except ModuleNotFoundError as error:
        add(Row("all" if not rows else "the rest", f"needs {error.name}", "skipped"))
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        add(Row("the rest", f"{type(error).__name__}: {str(error).splitlines()[0][:90]}", "WRONG"))
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
