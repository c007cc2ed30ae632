"""Which trials are made and how often; how they are run, kept and resumed."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import gancensus
from trust.checks import CHECKS
from trust.data import FLAWED, LIMITS, PERFECT, UNEQUAL
from trust.simulate import COPIED, Record, Trial, check, copied, flawed, perfect, study, unequal


class Part(NamedTuple):
    """Cases that are simulated alike."""

    name: str
    run: Callable[[Trial], Record]
    cases: Iterable[str]
    sizes: Mapping[tuple[int, int], int]
    """Repeats by numbers of generated and of real samples."""

    def trials(self, repeats: int | None = None) -> list[Trial]:
        """All trials; repeats: of every one, instead of its own."""
        return [
            Trial(self.name, case, *size, repeat)
            for size, own in self.sizes.items()
            for case in self.cases
            for repeat in range(own if repeats is None else repeats)
        ]


PARTS = [
    Part("checks", check, CHECKS, {(1000, 1000): 8}),
    Part("studies", study, PERFECT, {(300, 300): 30, (300, 100): 30, (100, 300): 30}),
    Part("perfect", perfect, PERFECT, {(300, 300): 40, (1000, 1000): 40, (1000, 2000): 40}),
    Part("flaws", flawed, FLAWED, {(1000, 1000): 10, (2000, 2000): 10}),
    Part("unequal", unequal, UNEQUAL, {(500, 500): 40}),
    Part("copies", copied, COPIED, {(1000, 1000): 10}),
    Part("fresh", copied, ("fresh samples",), {(300, 300): 100, (1000, 1000): 20}),
    Part("limits", flawed, LIMITS, {(1000, 1000): 10}),
]


# How trials are run and kept


def simulate(trial: Trial) -> tuple[Trial, Record]:
    """Run one trial."""
    part = next(part for part in PARTS if part.name == trial.part)
    return trial, part.run(trial)


def folder(root: Path) -> Path:
    """Where results lie: one folder for each state of the code that they depend on."""
    library = Path(gancensus.__file__).parent
    rooms = ("census", "comparison", "search", "statistics", "distances")
    files = [path for room in rooms for path in sorted((library / room).rglob("*.py"))]
    here = [Path(__file__).with_name(name) for name in ("data.py", "checks.py", "simulate.py")]
    digest = sha256(b"".join(path.read_bytes() for path in files + here)).hexdigest()[:12]
    return root / digest


def known(path: Path) -> dict[tuple[Any, ...], Record]:
    """Read the results of a part; a line that was cut short does not count."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            trial, result = json.loads(line)
        except ValueError:
            continue
        found[tuple(trial)] = result
    return found


def gather(trials: Sequence[Trial], root: Path, processes: int) -> dict[Trial, Record]:
    """Return the results of trials, after running those that are not there yet; each is kept as it is done."""
    where = folder(root)
    where.mkdir(parents=True, exist_ok=True)
    found = {part.name: known(where / f"{part.name}.jsonl") for part in PARTS}
    times = Counter(trial.key for trial in trials)
    missing = [trial for trial in trials if tuple(trial) not in found[trial.part]]
    missing.sort(key=lambda trial: trial.repeat / times[trial.key])  # all parts advance together
    with ProcessPoolExecutor(processes) as pool:
        for done, future in enumerate(as_completed([pool.submit(simulate, trial) for trial in missing]), start=1):
            trial, result = future.result()
            found[trial.part][tuple(trial)] = result
            with (where / f"{trial.part}.jsonl").open("a") as file:
                file.write(f"\n{json.dumps([trial, result])}")  # after a line that was cut short, too
            print(f"\r{done} of {len(missing)}: {trial.key}\x1b[K", end="", file=sys.stderr, flush=True)
    return {trial: found[trial.part][tuple(trial)] for trial in trials}
