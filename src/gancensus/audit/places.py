"""Where the samples of an audit are, as users write it, and what names for files their names for generators make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gancensus.config.yaml_tree import clipped
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import expanded
from gancensus.storage.tables import reason_of

TAKEN = {"real", "train", "calibrate", "holdout", "reference", "all", "logs", "benchmarks"}
"""Names that are something else in a study."""
LONGEST = 60  # letters of a slug


class Place(NamedTuple):
    """A file or folder, and the name of what is meant in it."""

    path: Path
    """Absolute, without `..`; links in it are kept."""
    name: str | None
    text: str
    """As the user has written it."""

    @classmethod
    def of(cls, text: str) -> Place:
        """Return what `PATH` or `PATH::NAME` means; raises UserError where nothing is there."""
        if not text.strip():
            raise UserError("the path is empty; name a file or folder")
        path, _, name = text.rpartition("::") if "::" in text and not Path(text).exists() else (text, "", "")
        if "::" in text and path != text and not (path and name):
            raise UserError(f"{text}: write FILE::NAME, the name of an array or a data set in the file")
        there = absolute(path)
        if not there.exists():
            raise UserError(f"{path}: no such file or folder (looked for from {Path.cwd()})")
        return cls(there, name or None, text)


def absolute(path: str) -> Path:
    """Return a path from the root; its links are kept, but where it has `..`, whose meaning rests on them.

    Raises UserError where nothing could be there: no such home, a name that is too long.
    """
    try:
        there = (expanded(Path(path)) if path.startswith("~") else Path(path)).absolute()
        there.exists()
    except (ValueError, OSError) as error:
        why = getattr(error, "strerror", None) or reason_of(error)
        raise UserError(f"{clipped(path, 200)}: cannot be a path ({why})") from None
    return there.parent.resolve() / there.name if ".." in there.parent.parts else there


def slugs(titles: Iterable[str]) -> dict[str, str]:
    """Return a name for each title that is safe in a path and unique: 'my best GAN, epoch 3' is my-best-GAN-epoch-3.

    Accents are dropped, and what is no letter or digit becomes a hyphen. Names differ in more than their case, as files
    must. Raises UserError for an empty title.
    """
    found: dict[str, str] = {}
    taken = set(TAKEN)
    for title in titles:
        if not title.strip():
            raise UserError("a generator has no name; write NAME=PATH")
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
        slug = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")[:LONGEST].rstrip("-_")
        if not slug[:1].isalpha() or slug.lower() in TAKEN:
            slug = f"generator-{slug}".rstrip("-")
        name, number = slug, 1
        while name.lower() in taken:
            number += 1
            name = f"{slug}-{number}"
        taken.add(name.lower())
        found[title] = name
    return found
