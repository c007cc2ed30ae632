"""What every step shares: one thread, its arguments, and errors in one line. Imported before anything numerical."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"  # sums depend on the number of threads; parallelism comes from jobs

sys.path.append(str(Path(__file__).resolve().parents[1] / "src"))  # where gancensus is not installed: conda

from pydantic import TypeAdapter, ValidationError  # noqa: E402

from gancensus.errors import UserError  # noqa: E402
from gancensus.files import SampleRows  # noqa: E402
from gancensus.metrics import Metric  # noqa: E402


def arguments(description: str | None, **kinds: Any) -> argparse.Namespace:
    """Parse the options, all required: each is read by its kind, and a list [kind] takes any number of values."""
    parser = argparse.ArgumentParser(description=description)
    for name, kind in kinds.items():
        several = isinstance(kind, list)
        parser.add_argument(
            f"--{name}", type=kind[0] if several else kind, nargs="*" if several else None, required=True
        )
    return parser.parse_args()


def section(kind: Any) -> Callable[[str], Any]:
    """Return the reader of a section of the configuration, given as JSON."""

    def read(text: str) -> Any:
        try:
            return TypeAdapter(kind).validate_json(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def grouped(paths: Sequence[Path], groups: int) -> list[list[Path]]:
    """Cut a flat list of files, the same number of parts for each group, into the groups."""
    parts = len(paths) // groups
    return [list(paths[k * parts : (k + 1) * parts]) for k in range(groups)]


def spaces(metrics: Sequence[Metric], paths: Sequence[Path]) -> dict[str | None, SampleRows]:
    """Open the files of a population in every space of the metrics, in the order in which the metrics name them."""
    names = list(dict.fromkeys(metric.space for metric in metrics))
    return {name: SampleRows(parts) for name, parts in zip(names, grouped(paths, len(names)), strict=True)}


def run(main: Callable[[], None]) -> None:
    """Run a step; what a user can mend is one line on stderr and exit status 1."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


__all__ = ["Path", "arguments", "grouped", "run", "section", "spaces"]
