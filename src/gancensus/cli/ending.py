"""After Snakemake has ended: write placeholders for what was killed, and check what is up to date."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gancensus.config.configuration import Study
from gancensus.report import failures
from gancensus.report.trace import executions
from gancensus.storage.schemas import ANSWERS, COVERAGE, SHOWN

UP_TO_DATE = "nothing to do"  # what our logger prints where a file is up to date
LAST = {"provenance", "collect_trace", "report", "all"}  # rules that run after all others
COUNT = {"census", "collect_census"}  # that use answers
KILLED = "its job was killed, most often for lack of memory or time"


def current(command: Sequence[str], file: Path) -> bool:
    """Say whether a file is there and up to date; `command` is how Snakemake is called."""
    if not file.is_file():
        return False
    dry = [*command, "--cores", "1", "--dry-run", str(file)]
    done = subprocess.run(dry, capture_output=True, text=True, check=False)
    return done.returncode == 0 and UP_TO_DATE in done.stderr


def write_placeholders(command: Sequence[str], place: Path, studies: Mapping[str, Study], begun: float) -> int:
    """Write the reason in place of each table of an analysis or of answers and each figure whose job was killed.

    Snakemake can then make the rest. Nothing is written if anything else is missing too.

    Args:
        command: how Snakemake is called.
        place: the results folder, as given to the command.
        studies: those of the configuration.
        begun: when the run began, in seconds of the epoch.

    Returns:
        The number of these jobs.

    Raises:
        UserError: the reason cannot be written.
    """
    done = subprocess.run([*command, "--summary"], capture_output=True, text=True, check=False)
    lines = [(line.split("\t") + [""] * 6)[:6] for line in done.stdout.splitlines()]
    pending = {line[0]: line[2] for line in lines if line[5] == "update pending" and not line[4].startswith("removed")}
    waiting = LAST | (COUNT if "answers" in pending.values() else set())
    if not all(rule in {"analyse", "answers", *waiting} or rule.startswith("draw_") for rule in pending.values()):
        return 0
    if not all(Path(file).is_relative_to(place) for file in pending):  # a path that Snakemake spells differently
        return 0
    unmeasured = {
        Path(file).relative_to(place).parts[0] for file, rule in pending.items() if rule in ("analyse", "answers")
    }
    killed = set()
    for file, rule in pending.items():
        path = Path(file)
        if rule in waiting or path.is_file():
            continue
        part = failures.Failed.of(path.relative_to(place).as_posix(), "")
        if rule.startswith("draw_") and part.study in unmeasured:
            continue
        reason = _last(place / part.log, begun).get("error", KILLED)
        if rule == "analyse":
            analysis, table = studies[part.study].analysed[part.name]
            failures.table(path, analysis.tables[table].schema, reason)
        elif rule == "answers":
            failures.table(path, ANSWERS if path.parent.name == "answers" else COVERAGE, reason)
        elif path.suffix == ".svg":
            failures.figure(path, reason)
        else:  # the samples that a figure shows
            failures.table(path, SHOWN, reason)
        killed.add(part.log)
    return len(killed)


def _last(log: Path, begun: float) -> dict[str, Any]:
    """Return the last execution of a job that began in this run, if any."""
    path = log.with_suffix(".jsonl")
    rows = executions(path.read_text(encoding="utf-8", errors="replace").splitlines()) if path.is_file() else []
    return rows[-1] if rows and datetime.fromisoformat(rows[-1]["start"]).timestamp() >= begun else {}
