"""An estimate as printed: a table with a row per rule, and what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gancensus.cli.estimate.costs import Cost
from gancensus.cli.estimate.jobs import Job, ordered

ARGUMENT = 131_072  # bytes that Linux allows an argument, and so a job's command
CORES = (16, 64, 256)


def table(jobs: Sequence[Job], costs: Sequence[Cost], grouped: Mapping[str, str]) -> list[str]:
    """Return the lines of a table with a row per rule, in Markdown; grouped: what SLURM calls a rule's group."""
    rules: dict[str, list[int]] = defaultdict(list)
    for k in ordered(jobs):
        rules[jobs[k].rule].append(k)
    lines = [
        "| rule | jobs | SLURM jobs | reads | writes | longest job | core hours | memory | asked for |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rule, mine in [*rules.items(), ("total", list(range(len(jobs))))]:
        took = [costs[k] for k in mine]
        names = {grouped[jobs[k].rule].format(**jobs[k].wildcards) for k in mine if jobs[k].rule in grouped}
        single = sum(jobs[k].rule not in grouped for k in mine)
        slurm = f"{single + len(names):,}" if single or rule == "total" else f"in {', '.join(sorted(names))}"
        known = [cost.seconds for cost in took if cost.seconds is not None]
        memory = [cost.memory for cost in took if cost.memory is not None]
        plus = " + ?" if len(known) < len(took) else ""
        cells = [
            rule,
            f"{len(mine):,}",
            slurm,
            size(sum(cost.read for cost in took)),
            size(sum(cost.written for cost in took)),
            time(max(known)) + (plus if rule == "total" else "") if known else "?",
            f"{sum(known) / 3600:,.2f}{plus}" if known else "?",
            size(max(memory) * 1e6) if memory else "?",
            size(max(jobs[k].asked for k in mine) * 1e6),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def path_seconds(jobs: Sequence[Job], costs: Sequence[Cost]) -> float:
    """Return the longest chain of jobs that wait for each other, in seconds; what is not known counts 0."""
    ends: dict[int, float] = {}
    for k in ordered(jobs):
        ends[k] = (costs[k].seconds or 0.0) + max((ends[other] for other in jobs[k].needs), default=0.0)
    return max(ends.values())


def summary(jobs: Sequence[Job], costs: Sequence[Cost]) -> list[str]:
    """Return the lines after the table."""
    known = sum(cost.seconds or 0.0 for cost in costs)
    chain = path_seconds(jobs, costs)
    walls = ", ".join(f"{time(max(chain, known / cores))} on {cores}" for cores in CORES)
    longest = max(jobs, key=lambda job: len(job.command))
    occupied = sum(job.asked * (cost.seconds or 0.0) for job, cost in zip(jobs, costs, strict=True)) / 3.6e6
    lines = [
        f"- Time: at least {walls} cores; jobs that wait for each other take {time(chain)}.",
        f"- Memory asked for, over time: {occupied:,.1f} GB hours, {1000 * 3600 * occupied / known:,.0f} MB a core.",
        f"- Longest command: {len(longest.command):,} of {ARGUMENT:,} bytes ({longest.rule}).",
    ]
    unknown = sorted({job.rule for job, cost in zip(jobs, costs, strict=True) if cost.seconds is None})
    if unknown:
        lines.append(f"- Not known (?), so left out of the sums: the time of {', '.join(unknown)}.")
    short: dict[str, tuple[float, float]] = {}
    for job, cost in zip(jobs, costs, strict=True):
        if cost.memory is not None and cost.memory > job.asked:
            short[job.rule] = max(short.get(job.rule, (0.0, 0.0)), (cost.memory, job.asked))
    if short:
        named = ", ".join(f"{rule} ({size(a * 1e6)})" for rule, (a, _) in sorted(short.items()))
        lines.append(f"- More memory than asked for: {named}.")
    return lines


def size(count: float) -> str:
    """Return a number of bytes with two digits."""
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.2g} {unit}" if count < 10 else f"{count:.0f} {unit}"
    return f"{count:,.0f} TB"


def time(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for limit, length, unit in ((99.5, 1, "s"), (99.5 * 60, 60, "min")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"
