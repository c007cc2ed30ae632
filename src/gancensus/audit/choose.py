"""What an audit runs: a configuration, made from what the user's samples are and from what the user has decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from gancensus.audit.asked import STUDY, Asked, Chosen
from gancensus.audit.declared import declare
from gancensus.audit.places import Place, slugs
from gancensus.audit.questions import OF_ITS_OWN, Space, features_of, questions, space_of
from gancensus.audit.reading import check_alike, kind_of, read_as
from gancensus.audit.recognise import Input, recognise
from gancensus.config.registry import members
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.source import Source
from gancensus.storage.user_arrays import read_user_samples

FEWEST = 40  # real samples: with fewer, a half has fewer than any question is answered with


def choose(asked: Asked, progress: Callable[[str], None] = lambda text: None) -> Chosen:
    """Return the configuration of an audit, and what is said about each input and each choice.

    Of the samples, names, heads and the first few are read, and all rows of a table that pca is fitted on;
    `check_inputs` reads all of them and compares real with generated ones. The same question has the same answer:
    nothing is random.

    Args:
        asked: where the samples are, and what the user has decided.
        progress: is told what each input is called, before it is looked at.

    Raises:
        UserError: with a line for every input that is not there, cannot be read, is of another kind than the real
            samples, or could be several things.
    """
    problems: list[str] = []
    names = _names(asked, problems)
    inputs = _inputs(asked, names, problems, progress)
    features = _features(asked, inputs, problems)
    if asked.alpha is not None and not 0 < asked.alpha < 1:
        problems.append(f"--alpha {asked.alpha:g}: is a share of pairs, between 0 and 1")
    if problems:
        raise UserError("\n".join(problems))
    kind = kind_of(inputs["real"], asked.kind)
    check_alike(inputs, kind)
    read = read_as(inputs, kind, encoded=asked.encoder is not None)
    sections = read.sections
    if problems := declare(asked, inputs, sections):
        raise UserError("\n".join(problems))
    spaces = _spaces(asked, inputs, features, names, kind, sections["real"])
    found = questions(kind, inputs, spaces, asked)
    parts, said_of_parts = _parts(asked, spaces, sections, inputs["real"].count)
    study = {
        "source": sections["real"],
        **parts,
        **({"encoders": {one.name: one.section for one in spaces}} if spaces else {}),
        "generators": {name: {**sections[title], "title": title} for title, name in names.items()},
        "definitions": found.definitions,
        **found.analyses,
    }
    said = [*read.said, *said_of_parts, *(one.said for one in spaces), *found.said, _said_of_alpha(asked.alpha)]
    return Chosen({"seed": asked.seed, "studies": {STUDY: study}}, said)


def _names(asked: Asked, problems: list[str]) -> dict[str, str]:
    """Return the names of generators in the configuration by their titles."""
    if not asked.generated:
        problems.append("no generated samples; give at least one NAME=PATH")
    if wrong := {"real", "train"}.intersection(asked.generated):
        problems.append(f"a generator cannot be called '{min(wrong)}', as other samples are; give it another name")
        return {}
    try:
        return slugs(asked.generated)
    except UserError as error:
        problems.append(str(error))
        return {}


def _inputs(
    asked: Asked, names: Mapping[str, str], problems: list[str], progress: Callable[[str], None]
) -> dict[str, Input]:
    """Look at every input: `real`, `train`, and generators by their title."""
    places = {"real": asked.real, **({} if asked.train is None else {"train": asked.train})}
    places |= asked.generated if names else {}
    found = {}
    for role, text in places.items():
        progress(role)
        try:
            found[role] = recognise(text, asked.drop, asked.speaks_of_columns)
            if (found[role].count or 2) < 2:
                raise UserError(f"{text}: {found[role].count} sample; a pair needs at least two")
        except UserError as error:
            problems += [f"{role}: {line.strip()}" for line in str(error).splitlines()]
    real, train = found.get("real"), found.get("train")
    if real and train and real.place[:2] == train.place[:2]:
        problems.append(
            "train: is the same as real; whether training samples are copied shows only beside real ones that the "
            "generator has not learned from"
        )
    return found


class _Features(NamedTuple):
    """Files of vectors by role, and how many numbers are in one."""

    files: dict[str, Path]
    dimension: int


def _features(asked: Asked, inputs: Mapping[str, Input], problems: list[str]) -> _Features | None:
    """Look at precomputed vectors, which there must be for every input."""
    if not asked.features:
        return None
    roles = ["real", *(["train"] if asked.train is not None else []), *asked.generated]
    problems += [
        f"features of {title}: there are no such samples{suggestion(title, roles)}"
        for title in asked.features
        if title not in roles
    ]
    files, dimensions = {}, {}
    for role in roles:
        if role not in asked.features:
            problems.append(f"features of {role}: are missing; every input needs its own")
            continue
        try:
            files[role], dimensions[role] = _vectors(asked.features[role], inputs.get(role))
        except UserError as error:
            problems += [f"features of {role}: {line}" for line in str(error).splitlines()]
    if len({*dimensions.values()}) > 1:
        each = ", ".join(f"{title} {dimension}" for title, dimension in dimensions.items())
        problems.append(f"features: vectors differ in length ({each}); take all from one encoder")
    return _Features(files, max(dimensions.values(), default=0))


def _vectors(text: str, samples: Input | None) -> tuple[Path, int]:
    """Return the file of vectors of some samples, and how many numbers are in one."""
    place = Place.of(text)
    found = read_user_samples(place.path)
    if place.name or len(found.shape) != 1:
        raise UserError(f"{text}: is no array (samples, numbers); save the vectors as .npy")
    if samples is not None and samples.count not in (None, len(found)):
        raise UserError(
            f"{text}: has {len(found):,} vectors, but there are {samples.count:,} samples; give every sample its own, "
            "in the same order"
        )
    return place.path, found.shape[0]


def _spaces(
    asked: Asked,
    inputs: Mapping[str, Input],
    features: _Features | None,
    names: Mapping[str, str],
    kind: str,
    source: Mapping[str, Any],
) -> list[Space]:
    """Return the encoders in whose spaces samples are compared, the most telling first."""
    spaces = []
    if features is not None:
        spaces.append(features_of(features.files, features.dimension, {"train": "train", **names}))
    if asked.encoder is not None:
        real, train = inputs["real"], inputs.get("train")
        learned = int(OF_ITS_OWN * (real.count or 1000)) if train is None else train.count or 1000
        spaces.append(space_of(asked.encoder, real, kind, learned, lambda: _values(real, source)))
    return spaces


def _values(real: Input, source: Mapping[str, Any]) -> int:
    """Return how many values a real sample has; 0 of a table that cannot be read, which is said where all are checked.

    A column of a table can be left out, and can become several values: its rows are read to know.
    """
    if real.form != "table":
        return prod(real.shape)
    try:
        return prod(members(Source)[source["kind"]](**source).load(0).shape)
    except UserError:
        return 0


def _parts(
    asked: Asked, spaces: list[Space], sections: Mapping[str, dict[str, Any]], count: int | None
) -> tuple[dict[str, Any], list[str]]:
    """Return how real samples are divided, and what the generators have learned from; and what is said of it."""
    fitted = [one.name for one in spaces if one.fitted]
    train = OF_ITS_OWN if fitted and asked.train is None else 0
    rest = round((1 - train) / 2, 3)
    parts: dict[str, Any] = {"splits": {"train": train, "calibrate": rest, "holdout": rest}}
    share = f"{100 * rest:.0f} %"
    said = [f"real samples: {share} set the thresholds, {share} are what generated ones are compared with"]
    if train:
        said[0] += f"; {100 * train:.0f} % of their own fit {fitted[0]}"
    if count is not None and count < FEWEST:
        said.append(f"real samples: {count} are too few to answer anything; {FEWEST} are the least")
    if asked.train is not None:
        parts["trained_on"] = sections["train"]
    else:
        said.append("copies: cannot be asked, as it is not known what the generators have learned from (--train)")
    return parts, said


def _said_of_alpha(alpha: float | None) -> str:
    if alpha is not None:
        return f"thresholds: {alpha:g} of the real pairs are duplicates"
    return "thresholds: three scales, at which about 100, 300 and 1,000 held-out real pairs are duplicates"
