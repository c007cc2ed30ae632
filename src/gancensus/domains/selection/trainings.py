"""Which trainings of a study differ in nothing but the samples that they had, or the latent numbers that they draw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

from gancensus.contracts.analysis import Chosen, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator

ALL, RANDOM, TRUNCATION = "all", "random", "truncation"  # what keeps samples, beside the kinds of scores


class Training(NamedTuple):
    """Trainings on the same samples, or on as many random ones."""

    kept_by: str
    """The kind of the score, `random`, `all` where nothing is left out, or `truncation` of the latent."""
    encoder: str | None
    """In whose space the score is measured; None for `all` and `truncation`, and for scores among samples."""
    keep: float
    """Share of the training samples, of `truncation` share of the distribution of a latent number."""
    populations: tuple[str, ...]

    @property
    def scored(self) -> bool:
        """Whether a score has chosen the samples."""
        return self.kept_by not in (ALL, RANDOM, TRUNCATION)


def trainings(context: Context, samples: int) -> list[Training]:
    """Return the trainings that can be compared, those on everything first.

    Raises UserError where there are none, or generators with selections differ in other settings as well.

    Args:
        context: what the study is made of.
        samples: those of `train`.
    """
    selected = {name: g for name, g in context.generators.items() if g.selection is not None}
    settings = {_settings(generator) for generator in selected.values()}
    if not selected:
        raise UserError("no generator trains on a selection (`train_on`); there is nothing to compare")
    if len(settings) > 1:
        raise UserError(
            f"generators {', '.join(selected)} train on selections, but differ in other keys than `train_on` too; "
            "give all of them the same settings"
        )
    alike = {name: g for name, g in context.generators.items() if g.trained and _settings(g) in settings}
    found: dict[tuple[str, str | None, float], list[str]] = {}
    for name, generator in alike.items():
        key = _key(generator, context.selections, samples)
        found.setdefault(key, []).extend(p for p, made in context.made.items() if made.generator == name)
    order = sorted(
        found, key=lambda key: (key[0] != ALL, key[0] in (RANDOM, TRUNCATION), key[0], key[1] or "", -key[2])
    )
    return [Training(*key, tuple(found[key])) for key in order]


def control(of: Training, among: list[Training]) -> Training | None:
    """Return what a training is compared with: as many random samples, for anything but a score all of them."""
    random = [one for one in among if one.kept_by == RANDOM and one.keep == of.keep]
    everything = [one for one in among if one.kept_by == ALL]
    return next(iter([*(random if of.scored else ()), *everything]), None) if of.kept_by != ALL else None


def curves(among: list[Training]) -> list[Training]:
    """Return those whose score has several levels, and what they are compared with; all where no score has."""
    levels = {key: len(list(some)) for key, some in groupby(among, key=lambda one: one[:2])}
    several = [one for one in among if not one.scored or levels[one[:2]] > 1]
    return several if any(one.scored for one in several) else among


def at_one_level(among: list[Training]) -> list[Training]:
    """Return the trainings at the level at which most scores in most spaces were tried, of equal ones the highest."""
    levels = sorted({one.keep for one in among if one.scored}, reverse=True)
    tried = {keep: sum(one.keep == keep and one.scored for one in among) for keep in levels}
    best = max(levels, key=lambda keep: tried[keep])
    return [one for one in among if one.kept_by == ALL or (one.keep == best and one.kept_by != TRUNCATION)]


def _settings(generator: Generator) -> str:
    """Return all settings but those that are compared, as one word."""
    return json.dumps(generator.model_dump(mode="json", exclude=set(generator.outside_training)), sort_keys=True)


def _key(generator: Generator, selections: Mapping[str, Chosen], samples: int) -> tuple[str, str | None, float]:
    """Return what keeps the samples of a generator, in which space, and how many."""
    if generator.selection is None:
        return (TRUNCATION, None, generator.latent_kept) if generator.latent_kept < 1 else (ALL, None, 1.0)
    chosen = selections[generator.selection]
    share = chosen.keep if chosen.keep <= 1 else chosen.keep / samples
    if share == 1:
        return ALL, None, 1.0
    return chosen.score, None if chosen.score == RANDOM else chosen.encoder, share
