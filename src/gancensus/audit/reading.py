"""How the inputs of an audit are read, all as one kind of samples: their sections in a configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gancensus.audit.recognise import KINDS, SEVERAL, SMALLEST, UNITS, Input, unit_of_jets
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import Scale

MOST_PARTICLES = 128  # the hardest of a jet, which are compared
LARGEST, LARGEST_ENCODED = 64, 256  # pixels of a side, where images of different sizes are brought to one


class Read(NamedTuple):
    """How the inputs are read."""

    sections: dict[str, dict[str, Any]]
    """Of a source or of generators, by role."""
    said: list[str]
    """A line about each input, and about what all have in common."""


def kind_of(real: Input, asked: str | None) -> str:
    """Return what real samples are; raises UserError where neither their files nor the user say it."""
    if asked is not None and asked not in KINDS:
        raise UserError(f"--kind {asked}: is no kind of samples{suggestion(asked, KINDS)}")
    if asked is not None and asked not in real.possible:
        raise UserError(f"--kind {asked}: but real is {described(real)}, which can be {_listed(real.possible)}")
    if asked is not None:
        return asked
    if len(real.likely) == 1:
        return real.likely[0]
    choices = "; ".join(f"{kind}: {KINDS[kind]}" for kind in real.likely)
    raise UserError(f"real: {described(real)}: its shape does not tell what samples are; say it by --kind ({choices})")


def check_alike(inputs: Mapping[str, Input], kind: str) -> None:
    """Raise UserError, a line each, for inputs that are something else than the real samples."""
    real, problems = inputs["real"], []
    for role, one in inputs.items():
        if kind not in one.possible:
            problems.append(f"{role}: {described(one)}, but the real samples are {SEVERAL[kind]}: {described(real)}")
        elif "table" in (real.form, one.form) and not _same_table(real, one):
            problems.append(
                f"{role}: {described(one)}, but the real samples are {described(real)}; give both as tables"
            )
        elif kind == "jets" and (real.form, one.form) == ("sample table", "jets"):
            problems.append(
                f"{role}: jets that a study has not prepared as the real ones; give real jets as files, too"
            )
        elif one.form == "sample table" and _plain(one.scale) != _plain(real.scale):
            problems.append(f"{role}: a sample table with another scale than that of the real samples; take both from "
                            "one study, or give natural values as .npy")  # fmt: skip
    if problems:
        raise UserError("\n".join(problems))


def _plain(scale: Scale | None) -> Scale | None:
    """Return a scale without the categories that only generated rows have."""
    return scale and replace(scale, columns=tuple(replace(column, extra=()) for column in scale.columns))


def _same_table(real: Input, one: Input) -> bool:
    """Say whether rows can be read as the real ones are, which have typed columns."""
    if real.form == "table":
        return one.form == "table"
    return real.scale is not None and bool(real.scale.columns)


def read_as(inputs: Mapping[str, Input], kind: str, encoded: bool) -> Read:
    """Return how all inputs are read as one kind.

    encoded: whether images are given to an encoder, for which they may be larger.
    """
    said = [f"{role}: {described(one, kind)}, from {_from(one)}" for role, one in inputs.items()]
    common: dict[str, Any] = {}
    if kind == "jets":
        _check_jets(inputs)
        common = _form_of_jets(inputs, said)
    form = _form_of_images(inputs, encoded, said) if kind == "images" else {}
    sections = {}
    for role, one in inputs.items():
        section = {"kind": "files", **one.section, "path": str(one.place.path)}
        if one.channels_first and kind == "images":
            section["channels"] = "first"
            said.append(f"{role}: channels come first, {_times(one.shape)}; they are moved to the end")
        elif one.channels_first and section["kind"] != "files":
            section["channels"] = "last"
        if one.form == "folder" and form:
            section |= {"kind": "imagefolder", **form}
        if kind == "jets" and common:
            section = _jets(role, one, section, said) | common
        sections[role] = section
    if inputs["real"].form == "table":
        sections["real"]["missing"] = "flag"
        said.append(
            "rows: a missing number, if there is one, becomes its column's median, and one more column marks it"
        )
    if kind == "jets" and sections["real"].get("layout") in ("zenodo", "jetnet"):
        sections["real"]["paths"] = {"jets": sections["real"].pop("path")}
    return Read(sections, said)


def _jets(role: str, one: Input, section: Mapping[str, Any], said: list[str]) -> dict[str, Any]:
    """Return the section of jets as constituents, and say in which unit they are, where they can be in one."""
    if one.form == "jets":
        relative = section["layout"] == "jetnet"
        what = "the pt of particles is relative to their jet's, which is" if relative else "momenta are"
        said.append(f"{role}: {what} in {section['unit']}")
        return dict(section)
    if section["kind"] != "files":
        raise UserError(f"{role}: jets of an array are read from .npy, or from x of a .npz; save it as one of these")
    unit = unit_of_jets(one.place.path, "array")
    if unit:
        said.append(f"{role}: momenta are in {unit}")
    return {"kind": "jets-hdf5", "layout": "array", "unit": unit or UNITS[0], "path": section["path"]}


def _check_jets(inputs: Mapping[str, Input]) -> None:
    """Raise UserError for arrays that are too narrow to be images of jets, and so seem to be other particles."""
    problems = [
        f"{role}: {described(one)}: particles of jets have three numbers, pt, eta, phi, in this order; of JetNet's "
        "eta, phi, pt, mask take x[..., [2, 0, 1]]"
        for role, one in inputs.items()
        if one.form == "array" and not one.of_particles and min(one.shape) < SMALLEST
    ]
    if problems:
        raise UserError("\n".join(problems))


def _form_of_jets(inputs: Mapping[str, Input], said: list[str]) -> dict[str, Any]:
    """Return what jets become: as many particles as the largest has. Nothing for images, and for a study's own."""
    clouds = [one for one in inputs.values() if one.of_particles]
    if not clouds or inputs["real"].form == "sample table":
        return {}
    particles = min(MOST_PARTICLES, max(one.shape[0] for one in clouds))
    if any(one.section.get("layout") == "zenodo" for one in clouds):
        particles = MOST_PARTICLES  # of variable number
    said.append(f"jets: each is centred, rotated and flipped; its {particles} hardest particles are compared")
    return {"form": "constituents", "particles": particles}


def _form_of_images(inputs: Mapping[str, Input], encoded: bool, said: list[str]) -> dict[str, Any]:
    """Return what the images of folders become, if they are of different sizes; nothing where all have one."""
    folders = [one for one in inputs.values() if one.heads is not None]
    sizes = sum((one.heads.sizes for one in folders if one.heads), Counter[tuple[int, int]]())
    fixed = {one.shape_as("images") for one in inputs.values() if one.heads is None}
    if not folders or len({*sizes, *(shape[:2] for shape in fixed)}) < 2 or len({shape[:2] for shape in fixed}) > 1:
        return {}
    coloured = any(one.heads.coloured for one in folders if one.heads) or any(len(shape) == 3 for shape in fixed)
    if fixed:
        height, width = fixed.pop()[:2]
    else:
        height, width = _common_size(folders, LARGEST_ENCODED if encoded else LARGEST)
    colours = "rgb" if coloured else "grey"
    said.append(
        f"images: of {len(sizes)} sizes, {_ends(sizes)}; those in folders are brought to {width} x {height} pixels "
        f"(resized, cropped at the centre; {'colours' if coloured else 'grey'})"
    )
    return {"size": [height, width], "colours": colours}


def _common_size(folders: list[Input], most: int) -> tuple[int, int]:
    """Return the height and width that images are brought to, the longer at most `most`.

    It is the smallest size, where all have one ratio, else a square of the smallest of the sides that are usual in a
    folder: images hardly have to be enlarged.
    """
    sizes = [size for one in folders if one.heads for size in one.heads.sizes]
    height, width = min(sizes)
    if all(abs(h * width - w * height) <= max(h, w) for h, w in sizes):
        factor = min(1.0, most / max(height, width))
        return max(1, round(height * factor)), max(1, round(width * factor))
    usual = [sorted(min(size) for size in one.heads.sizes.elements()) for one in folders if one.heads]
    side = min(most, *(sides[len(sides) // 2] for sides in usual))
    return side, side


def _ends(sizes: Counter[tuple[int, int]]) -> str:
    """Return the smallest and the largest size in words."""
    small, large = (pick(sizes, key=lambda size: (size[0] * size[1], size)) for pick in (min, max))
    return f"{small[1]} x {small[0]} to {large[1]} x {large[0]} pixels"


def described(one: Input, kind: str | None = None) -> str:
    """Say what an input is, in words: as one kind, if that is known."""
    kind = kind or (one.likely[0] if len(one.likely) == 1 else "numbers")
    count = SEVERAL[kind] if one.count is None else f"{one.count:,} {SEVERAL[kind]}"
    if one.form == "table":
        return f"a table of {count}" + (f" and {one.shape[0]} columns" if one.shape[0] else "")
    if one.form == "jets":
        return f"{count} ({one.values})"
    shape = one.shape_as(kind)
    if kind != "images":
        shapes = f"{shape[0]} numbers" if len(shape) == 1 else _times(shape)
        return f"{count} of {shapes}, {one.values}"
    if one.heads is not None and len(one.heads.sizes) > 1:
        return f"{count} of {len(one.heads.sizes)} sizes, {'colours' if one.heads.coloured else 'grey'}"
    colours = {1: "grey", 3: "colours", 4: "four channels"}[shape[2] if len(shape) == 3 else 1]
    return f"{count} of {shape[1]} x {shape[0]}, {colours}" + (f", {one.values}" if one.values != "bytes" else "")


def _from(one: Input) -> str:
    return f"the folder {one.place.text}" if one.form == "folder" else one.place.text


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _listed(kinds: tuple[str, ...]) -> str:
    return " or ".join(kinds)
