"""The page of the simulations, docs/trust.md, and its figure: the same bytes for the same results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from textwrap import dedent, fill

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gancensus.census.answers import ALPHA, QUESTION
from gancensus.census.summary import PLACED
from gancensus.plotting import style
from gancensus.statistics.intervals import clopper_pearson
from trust.checks import POINTS
from trust.data import FLAWED, LIMITS, PERFECT, UNEQUAL
from trust.judge import (
    LINES,
    METRICS,
    OFTEN,
    QUESTIONS,
    SELDOM,
    TOLERANCE,
    Found,
    alarms,
    all_yes,
    answered,
    check_holds,
    counted,
    covered,
    flawed_points,
    intact,
    of,
    point_holds,
    says_no,
    value,
    wrong,
)
from trust.simulate import COPIED, DUPLICATES, GENERATORS, MARGIN, PERMUTATIONS, SEED, Record

HELD = {True: "✓", False: "✗", None: "–"}
COLOURS = {True: "#9ecae9", False: "#f2a65a", None: "#f0f0f0"}
MOST = 6.0  # % of the studies that may have a false no, over all
RATIOS = ("pair_ratio", "reach_ratio", "on", "covers", "census")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sizes(found: Found, part: str) -> list[tuple[int, int]]:
    """Numbers of generated and of real samples at which a part was simulated."""
    return list(dict.fromkeys((trial.made, trial.real) for trial in found if trial.part == part))


def repeats(found: Found, part: str) -> str:
    """How often each trial of a part was made, as words."""
    times = [
        (size, 1 + max(t.repeat for t in found if t.part == part and (t.made, t.real) == size))
        for size in sizes(found, part)
    ]
    if len({count for _, count in times}) == 1:
        return f"{times[0][1]} repeats"
    return ", ".join(f"{count} repeats with {sized(*size)}" for size, count in times)


def sized(made: int, real: int) -> str:
    """Numbers of samples in words."""
    return f"{made:,} samples a side" if made == real else f"{made:,} generated and {real:,} real samples"


def brief(made: int, real: int) -> str:
    """The same as numbers."""
    return f"{made:,}" if made == real else f"{made:,} : {real:,}"


def page(found: Found) -> str:
    """The whole page."""
    parts = [
        introduction(),
        in_short(found),
        checks(found),
        false_alarms(found),
        perfect(found),
        flaws(found),
        copies(found),
        intervals(found),
        limits(found),
        again(),
    ]
    return "\n\n".join(filled(paragraph) for part in parts for paragraph in part.strip().split("\n\n")) + "\n"


def filled(paragraph: str) -> str:
    """Break the lines of a paragraph or of a list where they fit; tables, headings and figures stay as they are."""
    paragraph = paragraph.strip()
    if paragraph[0] in "|#!":
        return paragraph
    items = " ".join(paragraph.split()).split(" - ") if paragraph.startswith("- ") else [paragraph]
    lines = [[item.removeprefix("- "), "- ", "  "] for item in items] if len(items) > 1 else [[items[0], "", ""]]
    return "\n".join(fill(text, 120, initial_indent=first, subsequent_indent=then) for text, first, then in lines)


def introduction() -> str:
    """What is simulated."""
    return dedent(f"""
        # Can the answers be trusted?

        Every figure here is of samples whose truth is known, measured by the same functions as in a study: `make
        trust` wrote this page. [methods.md](methods.md#four-answers) says what the four answers are. Distances are
        Euclidean; the threshold is such that about {DUPLICATES} pairs of held-out real samples are near-duplicates;
        {PERMUTATIONS} permutations (a study takes 1,000); margin {MARGIN} and {PLACED}; seed {SEED}. Intervals of
        shares are Clopper and Pearson's, at 95 %. *Confidently wrong* is a flawed generator that gets three times
        yes, without an alarm of the fifth line.
    """)


def in_short(found: Found) -> str:
    """What it all amounts to."""
    studies = of(found, "studies")
    hits, low, high = false_studies(studies)
    lost = [*wrong(found, "checks", dict.fromkeys(flawed_points())), *wrong(found, "flaws", FLAWED)]
    never = "never, in all sanity checks and all flaws of the list below"
    known = sum(bool(case.flaw) for case in LIMITS.values())
    unseen = wrong(found, "limits", {name: case for name, case in LIMITS.items() if case.flaw})
    passed = {c: [check_holds(found, check, c) for check in names()] for c in (*LINES, *METRICS)}
    scores = ", ".join(f"{title(c)} {h.count(True)} of {len(h) - h.count(None)}" for c, h in passed.items())
    return dedent(f"""
        ## In short

        - **False alarms.** Of {len(studies)} studies with {GENERATORS} perfect generators each, {hits} have a false
          no: {100 * hits / len(studies):.1f} % ({low:.1f} to {high:.1f} %); {100 * ALPHA:.0f} % is what is promised.
        - **Confidently wrong:** {"; ".join(lost) or never}. Of the {known} flaws that are known as limits,
          {len(unseen)} are at least once.
        - **The wrong question says no:** {misplaced(found)}
        - **Sanity checks passed:** {scores}.
    """)


def misplaced(found: Found) -> str:
    """Where a question is answered with no though what it asks is intact, and by which statistics."""
    said = []
    for question in ("on", "covers"):
        points = [point for point in POINTS if point.flaw and question not in point.flaw and intact(point, question)]
        blamed = [point for point in points if not point_holds(found, point, question)]
        records = [r for p in blamed for r in of(found, "checks", f"{p.check}: {p.name}") if says_no(r, [question])]
        named = Counter(name for r in records for name in r["alarms"] if QUESTION[name] == question)
        every = ", ".join(f"`{name}` {100 * n / len(records):.0f} %" for name, n in sorted(named.items()))
        half = {"on": "fidelity", "covers": "diversity"}[question]
        said.append(
            f"*{question}* at {len(blamed)} of {len(points)} points with a flaw but {half} 1 (by {every or 'none'})"
        )
    return "; ".join(said) + ": a no says that something is wrong, not always what."


def false_studies(studies: Sequence[Record]) -> tuple[int, float, float]:
    """How many studies have a false no, and the interval of their share, in %."""
    hits = sum(map(false_no, studies))
    low, high = clopper_pearson(hits, len(studies))
    return hits, 100 * float(low), 100 * float(high)


def false_no(study: Record) -> bool:
    """Whether any generator of a study got a no."""
    return any(map(alarms, study["generators"]))


def names() -> list[str]:
    """The sanity checks."""
    return list(dict.fromkeys(point.check for point in POINTS))


def title(column: str) -> str:
    """A column's heading."""
    return "FID" if column == "fid" else column


def checks(found: Found) -> str:
    """The sanity checks: the criteria, the table, the figure."""
    columns = (*LINES, *METRICS)
    rows = [[check, *(HELD[check_holds(found, check, column)] for column in columns)] for check in names()]
    text = dedent(f"""
        ## Sanity checks

        After Räisä, van Breugel & van der Schaar, *All current generative fidelity and diversity metrics are flawed*
        (ICML 2025): their kinds of toy distributions, written anew; sizes, steps and tolerances are ours.
        {repeats(found, "checks")}, 1,000 samples a side.

        - *After the paper:* fidelity (precision, density) and diversity (recall, coverage) should be 1 for equal
          distributions, 0 for disjoint ones, and not change with outliers, sizes or units; what is true at every point
          follows from how it is drawn.
        - *Ours:* how near is near enough: the median over the repeats within {TOLERANCE} of that. FID, which has no
          upper end, must be larger at a flaw than it ever is for equal distributions, and no larger where nothing is
          wrong. An answer says no in at most {100 * SELDOM:.0f} % of the repeats where distributions are equal, and
          in at least {100 * OFTEN:.0f} % where its question is the one that is hurt. *On* must not say no where
          fidelity is 1, nor *covers* where diversity is 1, whatever else is wrong. Of a no to another question
          nothing is asked. A no is a test, and tests see gross flaws with ease: the hard part is to be silent
          elsewhere, and to see the small flaws further down.

        ✓ passes at all points, ✗ fails at one or more, – nothing is claimed. Of *alike*, ✓ is silence where nothing is
        wrong. *Copies* needs training samples, and has its own table below.
    """)
    figure = dedent("""
        ![Every point of the sanity checks: share of no, and medians of the metrics](trust.svg)

        Every point: the share of the repeats in which a question is answered with no, and the metrics' medians.
        Blue: as it should be; orange: not; grey: nothing is claimed.
    """)
    return f"{text}\n{table(['check', *map(title, columns)], rows)}\n{figure}"


def false_alarms(found: Found) -> str:
    """How many studies have a false no."""
    every = [*sizes(found, "studies"), None]
    cases = [*PERFECT, None]
    rows = [
        [name or "**all**", *(counted(of(found, "studies", name, size), false_no) for size in every)] for name in cases
    ]
    above = [name for name in PERFECT if false_studies(of(found, "studies", name))[1] > MOST]
    generators = [one for study in of(found, "studies") for one in study["generators"]]
    which = Counter(name for one in generators for name in one["alarms"] if alarms(one))
    seen = ", ".join(f"`{name}` {count}" for name, count in sorted(which.items(), key=lambda item: (-item[1], item[0])))
    head = ["samples, generated : real", *("all" if size is None else f"{size[0]} : {size[1]}" for size in every)]
    text = dedent(f"""
        ## False alarms

        Studies of {GENERATORS} perfect generators, which draw from the distribution of the real samples: how many
        have a no, to any question or in the fifth line, for any generator. {repeats(found, "studies")} of each. The
        target is {MOST:.0f} % at most over all.
    """)
    behind = dedent(f"""
        Significantly above {MOST:.0f} %: {", ".join(above) or "none"}. The statistics behind the alarms, of
        {len(generators):,} generators: {seen or "none"}.
    """)
    return f"{text}\n{table(head, rows)}\n{behind}"


def perfect(found: Found) -> str:
    """How often a perfect generator is told yes."""
    every = sizes(found, "perfect")
    columns = [(size, question) for size in every for question in QUESTIONS]
    head = ["perfect generator", *(f"{question}, {brief(*size)}" for size, question in columns)]
    rows = [
        [name, *(percent(of(found, "perfect", name, size), question) for size, question in columns)] for name in PERFECT
    ]
    text = dedent(f"""
        ## How often a perfect generator is told yes

        In % of {repeats(found, "perfect")}, by question and number of samples (generated : real where they differ,
        as where all real samples are compared with), with intervals. The rest is *inconclusive*, but for the false
        alarms above: too few samples for an interval within the margin.
    """)
    return f"{text}\n{table(head, rows)}"


def percent(records: Sequence[Record], question: str) -> str:
    """A share in % with its interval."""
    hits = sum(answered(record, question, "yes") for record in records)
    low, high = clopper_pearson(hits, len(records))
    return f"{100 * hits / len(records):.0f} ({100 * float(low):.0f}–{100 * float(high):.0f})"


def flaws(found: Found) -> str:
    """How often flaws are found."""
    every = sizes(found, "flaws")
    what = ("its question says no", "any line says no", "confidently wrong")
    head = ["generator", "its question", *(f"{one}, {made:,}" for made, _ in every for one in what)]
    rows = []
    for name, case in FLAWED.items():
        row = [name, ", ".join(case.flaw)]
        for size in every:
            records = of(found, "flaws", name, size)
            row += [
                counted(records, partial(says_no, questions=case.flaw)),
                counted(records, alarms),
                str(sum(map(all_yes, records))),
            ]
        rows.append(row)
    text = dedent(f"""
        ## How often a flaw is found

        Generators of which some have misled a count of duplicates alone. {repeats(found, "flaws")}. Where two
        questions are named, both must say no.
    """)
    return f"{text}\n{table(head, rows)}"


def copies(found: Found) -> str:
    """What is said of copies."""
    said = ("yes", "no", "inconclusive")
    rows = [
        [
            name,
            *(counted(of(found, "copies", name), partial(answered, line="copies", answer=answer)) for answer in said),
        ]
        for name in COPIED
    ]
    text = dedent(f"""
        ## Copies

        A Gaussian generator in 16 dimensions that copies some of 1,000 training samples, beside 1,000 held-out ones;
        *yes* is that it copies. {repeats(found, "copies")}.
    """)
    fresh = [
        counted(of(found, "fresh", None, size), partial(answered, line="copies", answer="yes"))
        for size in sizes(found, "fresh")
    ]
    level = [f"{one} with {sized(*size)}" for one, size in zip(fresh, sizes(found, "fresh"), strict=True)]
    more = f"Fresh samples in further studies, of which 5 % may be called copies: {', '.join(level)}."
    return f"{text}\n{table(['generator', *said], rows)}\n\n{more}"


def intervals(found: Found) -> str:
    """How often intervals have the truth."""
    head = [
        "distribution",
        "samples",
        "pair ratio",
        "reach ratio",
        "on",
        "covers",
        "census ratio, 95 %",
        "collision probability, 95 %",
    ]
    rows, short = [], []
    for size in sizes(found, "perfect"):
        for name in (*PERFECT, None):
            records = of(found, "perfect", name, size)
            counts = [covered(records, one) for one in RATIOS] + [known_collision(records)]
            rows.append([name or "**all**", brief(*size), *(had(*count) for count in counts)])
            short += [
                f"{name or 'all'}, {brief(*size)}, {head[k + 2]}" for k, count in enumerate(counts) if low(count, k)
            ]
    text = dedent("""
        ## How often an interval has the truth

        For equal distributions the ratios are 1. In % of the repeats, with the number of them where an interval could
        be given. The first four are the 90 % intervals by which a yes is decided; the last two are the census's own,
        at 95 %; the collision probability is known for Gaussians only.
    """)
    below = (
        f"Significantly less often than they should: {'; '.join(short) or 'none'}. One cell in 40 would be by chance."
    )
    return f"{text}\n{table(head, rows)}\n\n{below}\n\n{unequal(found)}"


def low(count: tuple[int, int], k: int) -> bool:
    """Whether the k-th kind of interval has the truth significantly less often than its level says."""
    return count[1] > 0 and float(clopper_pearson(*count)[1]) < (0.9 if k < 4 else 0.95)


def known_collision(records: Sequence[Record]) -> tuple[int, int]:
    """How many intervals of the collision probability have the truth, of those where it is known."""
    known = [record["collision"] for record in records if "collision" in record]
    return sum(low <= truth <= high for truth, low, high in known), len(known)


def had(hits: int, count: int) -> str:
    """A share in %, with the number of repeats."""
    return f"{100 * hits / count:.0f} (of {count})" if count else "–"


def unequal(found: Found) -> str:
    """The same where distributions differ."""
    rows = []
    for name in UNEQUAL:
        records, row = of(found, "unequal", name), [name]
        for one in RATIOS[:4]:
            logs = [np.log(r["intervals"][one][0]) for r in records if (r["intervals"].get(one) or [None])[0]]
            centre = float(np.exp(np.mean(logs))) if logs else 1.0
            row.append(f"{centre:.2f}: {had(*covered(records, one, centre))}" if logs else "–")
        rows.append(row)
    text = dedent(f"""
        Where distributions differ, the truth is taken as the geometric mean over the repeats, which all have the
        same radii: this shows whether the width is right, not whether the middle is. {repeats(found, "unequal")},
        500 samples a side; the mean, and the share of the 90 % intervals that have it.
    """)
    return f"{text}\n{table(['generator', 'pair ratio', 'reach ratio', 'on', 'covers'], rows)}"


def limits(found: Found) -> str:
    """What the answers cannot see, or see wrongly."""
    rows = []
    for name, case in LIMITS.items():
        records = of(found, "limits", name)
        own = counted(records, partial(says_no, questions=case.flaw)) if case.flaw else "perfect"
        rows.append([name, ", ".join(case.flaw) or "–", own, counted(records, alarms), counted(records, all_yes)])
    text = dedent(f"""
        ## What the answers cannot see

        - Flaws smaller than the distance of neighbours in the metric: noise off the manifold, blur.
        - Dependence of three or more columns, where all pairs of columns are intact.
        - Modes of less than about 1 % at 1,000 samples; weights of modes shifted by less than about 10 % of the
          mass.
        - Junk and loss within the margins; a doubling of few near-duplicates.
        - Rows that belong together, if nobody declares them: then even a perfect generator gets a no.

        {repeats(found, "limits")}, 1,000 samples a side.
    """)
    head = ["generator", "its question", "its question says no", "any line says no", "three times yes, no alarm"]
    return f"{text}\n{table(head, rows)}"


def again() -> str:
    """How to make the page."""
    return dedent("""
        ## To do it again

        `make trust` simulates what is not in `results/trust` yet and writes this page; after a change of the code
        that is measured, that is everything. `make trust REPEATS=300` makes 300 repeats of every trial, which takes
        hours: the published numbers of repeats are what an hour of one core allows, and the intervals say
        what that is worth.
    """)


@style.styled
def draw(found: Found) -> Figure:
    """The heat table of all points of the sanity checks."""
    columns = (*LINES, *METRICS)
    figure = Figure(figsize=(style.WIDTH, 0.22 * len(POINTS) + 0.6))
    axes = figure.add_subplot()
    colours = [[COLOURS[point_holds(found, point, column)] for column in columns] for point in POINTS]
    extent = (0, len(columns), len(POINTS), 0)
    axes.imshow([[to_rgb(c) for c in row] for row in colours], extent=extent, aspect="auto", interpolation="none")
    for y, point in enumerate(POINTS):
        records = of(found, "checks", f"{point.check}: {point.name}")
        for x, column in enumerate(columns):
            axes.text(x + 0.5, y + 0.5, cell(column, value(records, column)), ha="center", va="center", fontsize=7)
    labels = [f"{point.check}: {point.name}" for point in POINTS]
    axes.set_yticks(np.arange(len(POINTS)) + 0.5, labels, fontsize=7)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [title(c) for c in columns])
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.set(xlim=(0, len(columns)), ylim=(len(POINTS), 0))
    axes.set_xticks(np.arange(1, len(columns)), minor=True)
    axes.set_yticks(np.arange(1, len(POINTS)), minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(visible=False)
    axes.grid(which="minor", color="white")
    axes.set_axisbelow(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def cell(column: str, seen: float) -> str:
    """A share of no in %, or a metric with about two digits."""
    if column in LINES:
        return f"{100 * seen:.0f} %"
    return f"{seen:,.0f}" if seen >= 10 else f"{seen:.2f}"
