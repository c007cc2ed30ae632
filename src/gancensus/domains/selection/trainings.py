"""Which trainings of a study differ in nothing but the samples that they had, or the latent numbers that they draw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from gancensus.contracts.analysis import Chosen, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator

ALL, RANDOM, TRUNCATION = "all", "random", "truncation"  # what keeps samples, beside the kinds of scores
SAME = 0.005  # shares that differ by less are one: of a number, such as 480 of 801, too


class Training(NamedTuple):
    """Trainings on the same samples, or on as many random ones."""

    score: str
    """The kind of the score, `random`, `all` where nothing is left out, or `truncation` of the latent."""
    encoder: str | None
    """In whose space the score is measured; None for those that have none, and for scores among the samples."""
    keep: float
    """Share of the training samples, of `truncation` share of the distribution of a latent number."""
    populations: tuple[str, ...]

    @property
    def scored(self) -> bool:
        """Whether a score has chosen the samples."""
        return self.score not in (ALL, RANDOM, TRUNCATION)

    @property
    def name(self) -> str:
        """What keeps the samples: the score, and in which space."""
        return self.score if self.encoder is None else f"{self.score} in {self.encoder}"


def trainings(context: Context, samples: int) -> list[Training]:
    """Return the trainings that can be compared, those on everything first.

    Generators that have both a selection and a truncated latent are left out. Raises UserError where there are none, or
    they differ in more than what is compared.

    Args:
        context: what the study is made of.
        samples: those of `train`.
    """
    selected = {name: g for name, g in context.generators.items() if g.selection is not None and g.latent_kept == 1}
    settings = {_settings(generator) for generator in selected.values()}
    if not selected:
        raise UserError("no generator trains on a selection (`train_on`); there is nothing to compare")
    if len(settings) > 1:
        raise UserError(
            f"generators {', '.join(selected)} train on selections, but differ in other keys than `train_on` too; "
            "give all of them the same settings"
        )
    _one_score_of_a_kind({g.selection: context.selections[g.selection] for g in selected.values() if g.selection})
    whole = {name: g for name, g in context.generators.items() if g.trained and g.selection is None}
    alike = {name: g for name, g in whole.items() if _settings(g) in settings}
    found: list[Training] = []
    for name, generator in {**alike, **selected}.items():
        made = tuple(p for p, replica in context.made.items() if replica.generator == name)
        one = Training(*_key(generator, context.selections, samples), made)
        same = [k for k, other in enumerate(found) if other[:2] == one[:2] and abs(other.keep - one.keep) < SAME]
        if same:
            found[same[0]] = found[same[0]]._replace(populations=(*found[same[0]].populations, *made))
        else:
            found.append(one)
    return sorted(found, key=lambda one: (one.score != ALL, not one.scored, one.score, one.encoder or "", -one.keep))


def control(of: Training, among: list[Training]) -> Training | None:
    """Return what a training is compared with: as many random samples, for anything but a score all of them."""
    random = [one for one in among if one.score == RANDOM and abs(one.keep - of.keep) < SAME]
    everything = [one for one in among if one.score == ALL]
    return next(iter(random if of.scored else everything), None) if of.score != ALL else None


def curves(among: list[Training]) -> list[Training]:
    """Return those whose score has several levels, and what they are compared with; all where no score has."""
    levels = Counter(one[:2] for one in among if one.scored)
    several = [one for one in among if not one.scored or levels[one[:2]] > 1]
    return several if any(one.scored for one in several) else among


def at_one_level(among: list[Training]) -> list[Training]:
    """Return the trainings at the level at which most scores in most spaces were tried, of equal ones the highest.

    Raises UserError where no score was tried.
    """
    levels = sorted({one.keep for one in among if one.scored}, reverse=True)
    if not levels:
        raise UserError("no generator trains on a selection by a score that leaves something out; nothing to compare")
    tried = {keep: sum(abs(one.keep - keep) < SAME and one.scored for one in among) for keep in levels}
    best = max(levels, key=lambda keep: tried[keep])
    return [one for one in among if one.score == ALL or (abs(one.keep - best) < SAME and one.score != TRUNCATION)]


def _one_score_of_a_kind(selections: Mapping[str, Chosen]) -> None:
    """Refuse selections that would be taken for one: of a kind of score in one space, with other keys than `keep`."""
    known: dict[tuple[str, str | None], str] = {}
    for name, chosen in selections.items():
        other = known.setdefault((chosen.score, chosen.encoder), name)
        if chosen.score != RANDOM and selections[other].options != chosen.options:
            raise UserError(
                f"selections {other} and {name} have scores of one kind in one space, but differ in other keys than "
                "`keep`; give both the same ones, or compare them in studies of their own"
            )


def _settings(generator: Generator) -> str:
    """Return all settings but those that are compared, as one word."""
    apart = set(generator.outside_training) - {"samples"}  # all metrics depend on the number of samples
    return json.dumps([generator.kind, generator.model_dump(mode="json", exclude=apart)], sort_keys=True)


def _key(generator: Generator, selections: Mapping[str, Chosen], samples: int) -> tuple[str, str | None, float]:
    """Return what keeps the samples of a generator, in which space, and how many."""
    if generator.selection is None:
        return (TRUNCATION, None, generator.latent_kept) if generator.latent_kept < 1 else (ALL, None, 1.0)
    chosen = selections[generator.selection]
    share = chosen.keep if chosen.keep <= 1 else chosen.keep / samples
    if share == 1:
        return ALL, None, 1.0
    return chosen.score, None if chosen.score == RANDOM else chosen.encoder, share
