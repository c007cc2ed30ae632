"""When and where each job ran and how it ended: from the lines that steps write beside their logs to rows of a table.

An execution writes a line when it starts and one when it ends, which repeats the first; a retried or resumed job has
more than one execution.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from gancensus.config.results import job_of

Row = dict[str, Any]
Span = tuple[float, float]  # from, to; in seconds
KEY = ("start", "node", "pid")  # what distinguishes two executions of a job
INSTANT = 1e-6  # seconds: the resolution of the times
COLUMNS = (
    *("study", "rule", "names", "attempt", "start", "end"),
    *("cpu", "peak_memory", "node", "slurm_job", "outcome"),
)


def executions(lines: Iterable[str]) -> list[Row]:
    """Return the executions that the lines beside a job's log record, oldest first.

    `attempt` counts them since the last that succeeded. Where there is no line of the end, `outcome` is `killed`. Lines
    that cannot be read, cut short by a full disk, are skipped.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for line in lines:
        try:
            facts = json.loads(line)
            datetime.fromisoformat(facts["start"]), datetime.fromisoformat(facts.get("end", facts["start"]))
            found[tuple(str(facts[name]) for name in KEY)] = {"outcome": "killed"} | facts
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    rows = sorted(found.values(), key=lambda row: str(row["start"]))
    attempt = 0
    for row in rows:
        row["attempt"] = attempt = attempt + 1
        if row["outcome"] == "done":
            attempt = 0
    return rows


def columns(jobs: Mapping[str, Iterable[str]]) -> dict[str, list[Any]]:
    """Return the columns of `storage.schemas.TRACE`, in the order in which the executions began.

    jobs: the lines of each job, by its log's name without suffix.
    """
    rows = []
    for log, lines in jobs.items():
        study, rule, names = job_of(log)
        rows += [{"study": study, "rule": rule, "names": names} | row for row in executions(lines)]
    rows.sort(key=lambda row: (row["start"], row["study"] or "", row["rule"], row["names"]))
    table = {name: [row.get(name) for row in rows] for name in COLUMNS}
    times = {name: [time and datetime.fromisoformat(time) for time in table[name]] for name in ("start", "end")}
    return table | times


def spans(rows: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Return when each execution began and ended, in seconds since the first began; a killed one for no time."""
    first = min((row["start"] for row in rows), default=None)
    found = []
    for row in rows:
        start = (row["start"] - first).total_seconds()
        end = (row["end"] - first).total_seconds() if row["end"] else start
        found.append((start, max(end, start + INSTANT)))
    return found


def lanes(spans: Sequence[Span]) -> list[int]:
    """Return a lane for each span [from, to), from < to, so that no two in a lane overlap, with the fewest lanes.

    A span takes the lowest lane that is free, in the order in which they begin; so there are as many lanes as spans
    overlap at most (interval partitioning: Kleinberg & Tardos, Algorithm Design, 2005, section 4.1).
    """
    found = [0] * len(spans)
    taken: list[tuple[float, int]] = []  # until when, lane
    free: list[int] = []
    for k in sorted(range(len(spans)), key=lambda k: spans[k]):
        start, end = spans[k]
        while taken and taken[0][0] <= start:
            heapq.heappush(free, heapq.heappop(taken)[1])
        found[k] = heapq.heappop(free) if free else len(taken)
        heapq.heappush(taken, (end, found[k]))
    return found


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the times in which at least one span lies, in order; those that touch are one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def breaks(spans: Sequence[Span], longest: float) -> list[Span]:
    """Return the idle times between the spans that are longer than so many seconds."""
    return [(end, start) for (_, end), (start, _) in pairwise(union(spans)) if start - end > longest]


def by_rule(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return a row per rule, the one that took longest first: its jobs, their attempts, and how many of these failed.

    `time` and `cpu` are sums over all executions whose end is known, in seconds; `peak_memory` is their largest, in
    MiB (None where none is known).
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["rule"], []).append(row)
    table: list[Row] = [
        {
            "rule": rule,
            "jobs": len({(row["study"], row["names"]) for row in tried}),
            "executions": len(tried),
            "failed": sum(row["outcome"] != "done" for row in tried),
            "time": sum(max(0.0, (row["end"] - row["start"]).total_seconds()) for row in tried if row["end"]),
            "cpu": sum(row["cpu"] or 0.0 for row in tried),
            "peak_memory": max((row["peak_memory"] for row in tried if row["peak_memory"]), default=None),
        }
        for rule, tried in found.items()
    ]
    return sorted(table, key=lambda row: -row["time"])


def duration(seconds: float) -> str:
    """Write a time: `12 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
