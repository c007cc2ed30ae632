"""What has changed between two runs, as text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from gancensus.config.yaml_tree import clipped
from gancensus.plotting.numbers import NOTHING, number
from gancensus.report.compare import SAME_SAMPLES, Changes
from gancensus.statistics.estimate import Estimate

WIDTH = 118  # of a line
NAMED = ("study", "definition", "population")
UNFOUND = "nothing found"  # where nothing else differs
LONGEST, SHORTEST = 30, 8  # letters of a name in a table


def text(found: Changes) -> str:
    """Return what has changed as tables of at most 120 columns, each with what it says below it."""
    lines = [f"before: {found.before}", f"after:  {found.after}", ""]
    lines += [f"{basis.study}, {basis.definition}: {basis.said}" for basis in found.bases]
    if not found.bases:
        lines.append("no study has a definition of the same name in both")
    if found.counts:
        heads = ("study", "definition", "population", "support", "ratio", "ratio after / before", "")
        rows = [
            (*one[:3], _change(one.support), _change(one.ratio), _interval(one.change), one.said)
            for one in found.counts
        ]
        lines += ["", *_table(heads, rows)]
    lines += ["", *_answers(found)]
    if found.fidelity:
        moved = [
            (
                one.study,
                one.population,
                one.metric,
                _change((one.before, one.after)),
                _interval(one.change),
                one.said,
            )
            for one in found.fidelity
            if one.said != SAME_SAMPLES
        ]
        same = len(found.fidelity) - len(moved)
        lines += (
            ["", *_table(("study", "population", "fidelity", "before → after", "difference", ""), moved)]
            if moved
            else []
        )
        lines += [f"{same} numbers of fidelity are of the same samples"] if same else []
    for keys, where in ((found.only_before, "before"), (found.only_after, "after")):
        names = "; ".join(", ".join(key) for key in keys)
        lines += [fill(f"only {where}: {names}", WIDTH, subsequent_indent="  ")] if keys else []
    return "\n".join([*lines, *_caution(found)])


def _answers(found: Changes) -> list[str]:
    """Return the answers that have changed."""
    if not found.answers:
        return [f"answers: none has changed ({found.same_answers} are the same)"]
    rows = [
        (one.study, one.population, one.question, " → ".join(answer or UNFOUND for answer in one[3:]))
        for one in found.answers
    ]
    return [*_table(("study", "population", "question", "answer"), rows), f"{found.same_answers} answers are the same"]


def _caution(found: Changes) -> list[str]:
    """Say what the intervals are, and how many of them would exclude no change by chance."""
    if not found.judged:
        return []
    said = (
        f"Intervals are at {100 * found.level:g} %, as if both runs had independent samples; where their real samples "
        f"are the same, differences of fidelity are judged conservatively. Were there no changes at all, about "
        f"{number((1 - found.level) * found.judged, 2)} of these {found.judged} would seem real by chance."
    )
    return ["", fill(said, WIDTH)]


def _change(both: tuple[Estimate, Estimate]) -> str:
    return " → ".join(_value(one) for one in both)


def _value(one: Estimate) -> str:
    """Return a number, or the only end that is known."""
    return number(one.value) if one.value is not None or one.low is None else f"≥ {number(one.low)}"


def _interval(one: Estimate | None) -> str:
    """Return a number with its interval."""
    if one is None:
        return NOTHING
    high = "∞" if one.high is None else number(one.high)
    return f"{number(one.value)} ({number(one.low)} to {high})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, names clipped as far as they must be; a study that is that of all rows is left out."""
    kept = [k for k, head in enumerate(heads) if head != "study" or len({row[k] for row in rows}) > 1]
    for longest in range(LONGEST, SHORTEST - 1, -1):
        cells = [heads] + [
            [clipped(row[k], longest) if heads[k] in NAMED else row[k] for k in range(len(heads))] for row in rows
        ]
        widths = {k: max(len(row[k]) for row in cells) for k in kept}
        if sum(widths.values()) + 2 * len(kept) <= WIDTH:
            break
    return ["  ".join(row[k].ljust(widths[k]) for k in kept).rstrip() for row in cells]
