"""Check the inputs of a configuration: all are read, nothing is run, and every problem is listed at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.audit.processes import cores, side_by_side
from gancensus.audit.user_samples import as_population, check_units, rows_for_units
from gancensus.comparison.exact import keys
from gancensus.config.configuration import Config, Study, check_files, why_absent
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member
from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import VALUES_AT_ONCE, LazySamples, Notes, Samples, by_row, rows_to_compare
from gancensus.report.inputs import WARNING
from gancensus.storage.imagefiles import files_of
from gancensus.training.splits import divided

CHEAP = 1 << 26  # bytes of an input that are read before a plan is shown
SIMULATED = 64  # showers that are simulated to be compared with generated ones
LISTED = 5  # damaged samples of an input that are named
MANY = 1 << 25  # values of an input that are read in several processes: a second's work, where they are compressed
PROCESSES = 4  # at most, as each holds what it reads

Piece = tuple[NDArray[np.float32], Mapping[str, NDArray[np.floating[Any]]]]
"""Values and conditions of samples."""


@dataclass
class Findings:
    """What has been found: problems, warnings, what was read and how, and inputs that were left unread."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def note(self, key: str, samples: Samples | LazySamples) -> None:
        """Keep the notes of an input."""
        notes = [
            text if count is None else f"{text}: {count:,} samples" for text, count in samples.notes.counts().items()
        ]
        self.warnings += [f"{key}: {note.removeprefix(WARNING)}" for note in notes if note.startswith(WARNING)]
        others = [note for note in notes if not note.startswith(WARNING)]
        self.read.append(f"{key}: {'; '.join(others) or f'{len(samples):,} samples'}")

    def problem(self, key: str, error: UserError) -> None:
        """Keep a problem, or each of several."""
        lines = str(error).splitlines()
        self.problems += [f"{key}: {line.strip()}" for line in lines]


def check_inputs(config: Config, progress: Callable[[str], None] = lambda text: None, cheap: bool = False) -> Findings:
    """Read and validate all inputs of a configuration; where `cheap`, leave large ones unread."""
    found = Findings()
    try:
        check_files(config)
    except UserError as error:
        found.problems += [line.strip() for line in str(error).splitlines()[1:]]
    for name, study in config.studies.items():
        _check_study(config, name, study, found, progress, cheap)
    return found


def _check_study(
    config: Config, name: str, study: Study, found: Findings, progress: Callable[[str], None], cheap: bool
) -> None:
    """Check the source of a study, and its generators that are files."""
    key = f"studies.{name}.source"
    provided = {f"generators.{k}": (k, g) for k, g in study.generators.items() if isinstance(g, UserProvided)}
    if isinstance(study.trained_on, UserProvided):
        provided["trained_on"] = ("train", study.trained_on)
    encoders = _read_encoders(name, study, found, cheap)
    if any(why_absent(path) for path in study.source.files()) or (cheap and not study.source.files()):
        return
    if cheap and _is_large(key, study.source, found):
        return
    progress(key)
    try:
        real, rows = divided(study.source, study.cut.sizes, study.cut.train_first, config.seed)
        held_out = rows["holdout"][rows_to_compare(len(rows["holdout"]), real.shape)]
        read = _read(key, study, real, found, held_out) if study.source.files() else None
        if study.source.files() and read is None:
            return
        found.note(key, real)
        like = real.take(held_out[:SIMULATED]) if read is None else read
        if read is None:
            _compare(study, like)
    except UserError as error:
        found.problem(key, error)
        return
    _check_encoders(encoders, real.sample_id, None, like.x[:2], found, progress)
    for where, (generator_key, generator) in provided.items():
        place = f"studies.{name}.{where}"
        samples = _check_generator(place, study, generator, like, found, progress, cheap)
        if samples is not None:
            _check_encoders(encoders, samples.sample_id, generator_key, like.x[:0], found, progress)
        if samples is not None and where == "trained_on":
            _check_apart(place, real, samples, found)


def _check_apart(key: str, real: Samples | LazySamples, trained_on: LazySamples, found: Findings) -> None:
    """Warn of real samples that equal some that models have learned from: by these, copies cannot be told."""
    try:
        known = {one for some in _pieces(trained_on) for one in keys(some)}
        there = sum(one in known for some in _pieces(real) for one in keys(some))
    except UserError:  # a damaged sample, which has been named
        return
    if there:
        found.warnings.append(
            f"{key}: {there:,} of the {len(real):,} real samples are among these, too: a generated sample that is "
            "near one of them is no sign of a copy; give real samples that the model has not learned from"
        )


def _pieces(samples: Samples | LazySamples) -> Iterator[Samples]:
    """Read samples some at a time."""
    yield from (samples.take(rows) for rows in _runs(samples, 0, len(samples)))


def _read_encoders(name: str, study: Study, found: Findings, cheap: bool) -> dict[str, Encoder]:
    """Return the encoders whose files, if they have any, are there and are to be read, by key."""
    keys = {f"studies.{name}.encoders.{key}": encoder for key, encoder in study.encoders.items()}
    there = {k: e for k, e in keys.items() if not any(why_absent(path) for path in e.files())}
    return {key: encoder for key, encoder in there.items() if not (cheap and _is_large(key, encoder, found))}


def _check_encoders(
    encoders: Mapping[str, Encoder],
    sample_id: NDArray[np.int64],
    generator: str | None,
    x: NDArray[np.float32],
    found: Findings,
    progress: Callable[[str], None],
) -> None:
    """Check what encoders read for all samples of a generator, or, for None, of the source; x: some of these."""
    for key, encoder in encoders.items():
        if generator is not None and encoder.concerning(generator) == encoder.concerning(None):
            continue
        progress(key)
        try:
            encoder.check_input(x)
            encoder.check_rows(sample_id, generator)
        except UserError as error:
            found.problem(key, error)


def _check_generator(
    key: str,
    study: Study,
    generator: UserProvided,
    like: Samples,
    found: Findings,
    progress: Callable[[str], None],
    cheap: bool,
) -> LazySamples | None:
    """Check user-provided samples against real ones; return them, as far as they could be looked at."""
    if why_absent(generator.path):
        return None
    if cheap and _is_large(key, generator, found):
        return None
    progress(key)
    try:
        samples = as_population(generator, like, "checked-0")
        some = _read(key, study, samples, found, rows_for_units(samples))
        if some is not None:
            check_units(generator, like, samples, some)
        found.note(key, samples)
        return samples
    except UserError as error:
        found.problem(key, error)
        return None


def _compare(study: Study, samples: Samples) -> None:
    """Compute the features of every metric that compares samples; raises UserError where one cannot."""
    for definition in study.definitions.values():
        for metric in definition.values():
            if metric.space is None:
                metric.features(samples)


def _read(
    key: str, study: Study, samples: Samples | LazySamples, found: Findings, kept: NDArray[np.int64]
) -> Samples | None:
    """Read all samples, and name some of those that are damaged; return the rows `kept`, ascending, if all are good."""
    if isinstance(samples, Samples):
        _compare(study, samples)
        return samples.take(kept)
    samples.notes.restart()
    pieces = _read_side_by_side(study, samples, kept)
    if pieces is not None:
        return _joined(samples, kept, pieces)
    pieces, problems = [], list[UserError]()
    for rows in _runs(samples, 0, len(samples)):
        try:
            pieces.append(_good(study, samples, kept, rows))
        except UserError as whole:
            problems += list(_damaged(study, samples, rows, LISTED - len(problems))) or [whole]
            if len(problems) >= LISTED:
                break
    for error in problems:
        found.problem(key, error)
    if len(problems) >= LISTED:
        found.problems.append(f"{key}: and perhaps more")
    return None if problems else _joined(samples, kept, pieces)


def _read_side_by_side(study: Study, samples: LazySamples, kept: NDArray[np.int64]) -> list[Piece] | None:
    """Read many samples in several processes; None where they are few, and where a process failed, as over damage."""
    count = min(PROCESSES, cores())
    if count == 1 or len(samples) * prod(samples.shape) < MANY:
        return None
    ends = [len(samples) * k // count for k in range(count + 1)]

    def read(part: tuple[int, int]) -> tuple[list[Piece], Notes]:
        return [_good(study, samples, kept, rows) for rows in _runs(samples, *part)], samples.notes

    done = side_by_side(read, list(pairwise(ends)))
    if done is None:
        return None
    for _, notes in done:
        samples.notes.update(notes)
    return [piece for pieces, _ in done for piece in pieces]


def _runs(samples: Samples | LazySamples, start: int, stop: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows from start to stop, as many at once as are to be read at once."""
    step = max(1, VALUES_AT_ONCE // prod(samples.shape))
    yield from (np.arange(k, min(k + step, stop)) for k in range(start, stop, step))


def _good(study: Study, samples: LazySamples, kept: NDArray[np.int64], rows: NDArray[np.int64]) -> Piece:
    """Read some rows, and return what is kept of them; raises UserError where one is damaged."""
    some, here = samples.take(rows), np.isin(rows, kept)
    _compare(study, some)
    return some.x[here], {name: values[here] for name, values in some.conditions.items()}


def _joined(samples: LazySamples, kept: NDArray[np.int64], pieces: Sequence[Piece]) -> Samples:
    """Return the samples that were kept, as if they had been taken."""
    measured = {name: np.concatenate([conditions[name] for _, conditions in pieces]) for name in pieces[0][1]}
    return replace(samples.known.take(kept), x=np.concatenate([x for x, _ in pieces]), conditions=measured)


def _damaged(study: Study, samples: LazySamples, rows: NDArray[np.int64], most: int) -> Iterator[UserError]:
    """Yield what is wrong with some of the damaged rows; what is wrong with all of them only once."""
    said = set()
    for row in rows:
        try:
            _compare(study, samples.take(np.array([row])))
        except UserError as error:
            text = by_row(str(error))
            if text in said:
                return
            said.add(text)
            yield UserError(text)
            if len(said) == most:
                return


def _is_large(key: str, member: Member, found: Findings) -> bool:
    """Say whether a member's files are too large to read before a plan; note that they are left unread.

    Files that cannot be accessed count as small: reading them then says why.
    """
    try:
        size = sum(file.stat().st_size for path in member.files() for file in files_of(path))
    except (UserError, OSError):
        return False
    if size > CHEAP:
        found.unread.append(f"{key}: {size / 1e9:.1f} GB")
    return size > CHEAP
