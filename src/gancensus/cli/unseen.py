"""Files that jobs on a cluster finished after the head of their run had died or lost track of them.

Such a job removes the mark that its files are incomplete, but what Snakemake knows of a file (parameters, code, inputs)
is written by the head alone. So these files would count as up to date under any configuration. If nothing has changed
since the jobs were submitted, Snakemake records them as they are; otherwise they are removed and made again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gancensus.cli.head import say
from gancensus.config.configuration import Config
from gancensus.config.pipeline import PACKAGE, located
from gancensus.config.registry import plugins

METADATA = Path(".snakemake/metadata")
AT_ONCE = 1000  # files in a command line
ROUNDING = 0.01  # seconds by which the time of a file can differ from that in its record


class File(NamedTuple):
    """An output that Snakemake has not recorded."""

    path: Path
    rule: str
    current: bool  # no input is newer


def digest(config: Config) -> str:
    """Return the digest of a configuration, of all code that a run uses, and of what others have added to it."""
    content = hashlib.sha256(config.model_dump_json().encode())
    content.update(repr(plugins()).encode())
    for folder in (PACKAGE, located("scripts"), located("workflow")):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".smk", ".j2") or path.name == "Snakefile":
                content.update(path.read_bytes())
    return content.hexdigest()


def settle(command: Sequence[str], since: float, same: bool) -> int | None:
    """Record or remove the unseen files that were written after `since` (seconds of the epoch).

    `command` is how Snakemake is called, `same` says that configuration and code are those of the jobs. Return how many
    files were kept; None when Snakemake cannot plan with the configuration as it is now, so that nothing was done.
    """
    files = unseen(command, since)
    if files is None:
        return None
    good = [file for file in files if same and file.current]
    # in this order, as recording touches the files of a rule: they become the newest
    good.sort(key=lambda file: file.path.stat().st_mtime)
    kept = {file for rule in dict.fromkeys(file.rule for file in good) for file in record(command, rule, good)}
    for file in set(files) - kept:
        file.path.unlink(missing_ok=True)
    if kept:
        say(f"files that jobs finished on their own: {len(kept)} kept")
    if len(files) > len(kept):
        say(f"files that jobs finished on their own: {len(files) - len(kept)} removed, to be made again")
    return len(kept)


def unseen(command: Sequence[str], since: float) -> list[File] | None:
    """Return the outputs that were written after `since` and after what Snakemake has recorded of them.

    None when Snakemake cannot plan.
    """
    done = subprocess.run([*command, "--summary"], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    known, files = records(), []
    for line in done.stdout.splitlines():
        name, _, rule, _, status, _ = (line.split("\t") + [""] * 6)[:6]
        path = Path(name)
        if rule and path.is_file() and path.stat().st_mtime > max(since, known.get(name, 0) + ROUNDING):
            files.append(File(path, rule, status != "updated input files"))
    return files


def records() -> dict[str, float]:
    """Return when the outputs that Snakemake has recorded were written, in seconds of the epoch."""
    known = {}
    for path in METADATA.rglob("*"):
        name = "".join(part.removeprefix("@") for part in path.relative_to(METADATA).parts)  # a long name is a folder
        with suppress(OSError, ValueError, KeyError, TypeError):
            known[base64.urlsafe_b64decode(name).decode()] = float(json.loads(path.read_text())["endtime"])
    return known


def record(command: Sequence[str], rule: str, files: Sequence[File]) -> list[File]:
    """Have Snakemake record the files of a rule as made just now; return those that it could."""
    mine = [file for file in files if file.rule == rule]
    touch = ["--allowed-rules", rule, "--touch", "--force", "--notemp", "--cores", "1"]  # of this rule, nothing else
    kept: list[File] = []
    for some in (mine[k : k + AT_ONCE] for k in range(0, len(mine), AT_ONCE)):
        done = subprocess.run([*command, *touch, *(str(file.path) for file in some)], capture_output=True, check=False)
        kept += some if done.returncode == 0 else []
    return kept
